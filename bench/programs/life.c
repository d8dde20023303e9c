#include "bench.h"
#define N 96
static uint8_t grid[2][N + 2][N + 2];

RUN {
  seed(31);
  for (int y = 1; y <= N; y++)
    for (int x = 1; x <= N; x++) grid[0][y][x] = next() >> 13 & 1;
  for (int turn = 0; turn < 40; turn++) {
    uint8_t(*from)[N + 2] = grid[turn & 1], (*to)[N + 2] = grid[~turn & 1];
    for (int y = 1; y <= N; y++)
      for (int x = 1; x <= N; x++) {
        int n = 0;
        for (int dy = -1; dy <= 1; dy++)
          for (int dx = -1; dx <= 1; dx++) n += from[y + dy][x + dx];
        to[y][x] = n == 3 || (n == 4 && from[y][x]);
      }
  }
  int sum = 0;
  for (int y = 1; y <= N; y++)
    for (int x = 1; x <= N; x++) sum = sum * 3 + grid[0][y][x];
  return sum;
}
