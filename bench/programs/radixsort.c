#include "bench.h"
#define SIZE 100000
static uint32_t a[SIZE], b[SIZE];

RUN {
  seed(19);
  for (int i = 0; i < SIZE; i++) a[i] = next();
  uint32_t *from = a, *to = b;
  for (int shift = 0; shift < 32; shift += 8) {
    unsigned place[257] = {0};
    for (int i = 0; i < SIZE; i++) place[(from[i] >> shift & 255) + 1]++;
    for (int i = 0; i < 256; i++) place[i + 1] += place[i];
    for (int i = 0; i < SIZE; i++) to[place[from[i] >> shift & 255]++] = from[i];
    uint32_t *t = from;
    from = to, to = t;
  }
  for (int i = 1; i < SIZE; i++)
    if (from[i - 1] > from[i]) return -1;
  return from[SIZE / 2];
}
