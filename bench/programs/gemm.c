#include "bench.h"
#define N 96
static double a[N][N], b[N][N], c[N][N];

RUN {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) {
      a[i][j] = (i * j % 7) * 0.5;
      b[i][j] = (i + j) % 5 - 2.0;
      c[i][j] = 0;
    }
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++)
      for (int k = 0; k < N; k++) c[i][j] += a[i][k] * b[k][j];
  double trace = 0;
  for (int i = 0; i < N; i++) trace += c[i][i];
  return (int)trace;
}
