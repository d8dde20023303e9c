#include "bench.h"
#define N 400000
static uint8_t composite[N];

RUN {
  int count = 0;
  memset(composite, 0, N);
  for (int i = 2; i < N; i++)
    if (!composite[i]) {
      count++;
      for (int j = 2 * i; j < N; j += i) composite[j] = 1;
    }
  return count;
}
