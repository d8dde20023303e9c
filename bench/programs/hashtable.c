#include "bench.h"
#define SLOTS (1 << 15)
static uint32_t keys[SLOTS], values[SLOTS];

static unsigned find(uint32_t key) {
  unsigned i = key * 2654435761u >> 17;
  while (keys[i] && keys[i] != key) i = (i + 1) & (SLOTS - 1);
  return i;
}

RUN {
  memset(keys, 0, sizeof keys);
  seed(29);
  for (int i = 0; i < 20000; i++) {
    uint32_t key = next() | 1;
    unsigned slot = find(key);
    keys[slot] = key, values[slot] = i;
  }
  unsigned sum = 0;
  for (int turn = 0; turn < 8; turn++) {
    seed(29);
    for (int i = 0; i < 20000; i++) {
      uint32_t key = next() + (turn & 1) * 2;
      unsigned slot = find(key | 1);
      if (keys[slot]) sum += values[slot];
    }
  }
  return sum;
}
