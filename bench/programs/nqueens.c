#include "bench.h"
#define N 8
static int column[N];

static int fits(int row) {
  for (int i = 0; i < row; i++) {
    int d = column[i] - column[row];
    if (d == 0 || d == row - i || d == i - row) return 0;
  }
  return 1;
}

__attribute__((noinline)) static int place(int row) {
  if (row == N) return 1;
  int count = 0;
  for (int i = 0; i < N; i++) {
    column[row] = i;
    if (fits(row)) count += place(row + 1);
  }
  return count;
}

RUN {
  int sum = 0;
  for (int i = 0; i < 6; i++) sum += place(0);
  return sum;
}
