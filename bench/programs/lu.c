#include "bench.h"
#define N 100
static double a[N][N];

RUN {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) a[i][j] = i == j ? N : (i * 3 + j * 5) % 11 * 0.1;
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < i; j++) {
      for (int k = 0; k < j; k++) a[i][j] -= a[i][k] * a[k][j];
      a[i][j] /= a[j][j];
    }
    for (int j = i; j < N; j++)
      for (int k = 0; k < i; k++) a[i][j] -= a[i][k] * a[k][j];
  }
  double sum = 0;
  for (int i = 0; i < N; i++) sum += a[i][i];
  return (int)(sum * 1000);
}
