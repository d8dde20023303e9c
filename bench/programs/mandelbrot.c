#include "bench.h"

RUN {
  int sum = 0;
  for (int y = 0; y < 120; y++)
    for (int x = 0; x < 120; x++) {
      double cr = x / 40.0 - 2, ci = y / 40.0 - 1.5, r = 0, i = 0;
      int n = 0;
      while (n < 200 && r * r + i * i < 4) {
        double t = r * r - i * i + cr;
        i = 2 * r * i + ci, r = t, n++;
      }
      sum = sum * 7 + n;
    }
  return sum;
}
