#include "bench.h"
#define N 110
static double a[N][N];

RUN {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) a[i][j] = i == j ? 2 * N : 1.0 / (1 + (i > j ? i - j : j - i));
  for (int i = 0; i < N; i++) {
    for (int j = 0; j < i; j++) {
      for (int k = 0; k < j; k++) a[i][j] -= a[i][k] * a[j][k];
      a[i][j] /= a[j][j];
    }
    for (int k = 0; k < i; k++) a[i][i] -= a[i][k] * a[i][k];
    a[i][i] = __builtin_sqrt(a[i][i]);
  }
  double sum = 0;
  for (int i = 0; i < N; i++) sum += a[i][i];
  return (int)(sum * 1000);
}
