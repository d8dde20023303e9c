#include "bench.h"

__attribute__((noinline)) static int ackermann(int m, int n) {
  if (m == 0) return n + 1;
  if (n == 0) return ackermann(m - 1, 1);
  return ackermann(m - 1, ackermann(m, n - 1));
}

RUN {
  int sum = 0;
  for (int i = 0; i < 8; i++) sum += ackermann(2, 120 + i) + ackermann(3, 5);
  return sum;
}
