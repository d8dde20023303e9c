#include "bench.h"
#define N 110
static int path[N][N];

RUN {
  for (int i = 0; i < N; i++)
    for (int j = 0; j < N; j++) path[i][j] = (i + j) % 13 == 0 || (i + j) % 7 == 0 ? 999 : i * j % 7 + 1;
  for (int k = 0; k < N; k++)
    for (int i = 0; i < N; i++)
      for (int j = 0; j < N; j++) {
        int via = path[i][k] + path[k][j];
        path[i][j] = path[i][j] < via ? path[i][j] : via;
      }
  int sum = 0;
  for (int i = 0; i < N; i++) sum += path[i][N - 1 - i] * (i + 1);
  return sum;
}
