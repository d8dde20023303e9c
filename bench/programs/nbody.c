#include "bench.h"
#define N 5
static double p[N][3] = {{0, 0, 0}, {4.8, -1.2, -0.1}, {8.3, 4.1, -0.4}, {12.9, -15.1, -0.2}, {15.4, -25.9, 0.2}};
static double v[N][3] = {{0, 0, 0}, {0.6, 2.8, -0.02}, {-1.0, 1.8, 0.01}, {1.1, 0.9, -0.01}, {0.98, 0.6, -0.03}};
static double m[N] = {39.47, 0.037, 0.011, 0.0017, 0.002};

RUN {
  for (int step = 0; step < 12000; step++) {
    for (int i = 0; i < N; i++)
      for (int j = i + 1; j < N; j++) {
        double d[3], square = 0;
        for (int k = 0; k < 3; k++) d[k] = p[i][k] - p[j][k], square += d[k] * d[k];
        double f = 0.001 / (square * __builtin_sqrt(square));
        for (int k = 0; k < 3; k++) v[i][k] -= d[k] * m[j] * f, v[j][k] += d[k] * m[i] * f;
      }
    for (int i = 0; i < N; i++)
      for (int k = 0; k < 3; k++) p[i][k] += 0.001 * v[i][k];
  }
  double energy = 0;
  for (int i = 0; i < N; i++)
    for (int k = 0; k < 3; k++) energy += 0.5 * m[i] * v[i][k] * v[i][k];
  return (int)(energy * 1e6);
}
