/* A hash of four lanes of 32 bits, in the manner of xxHash. */
#include "bench.h"
static uint32_t data[1 << 16];

static uint32_t rol(uint32_t x, int n) { return x << n | x >> (32 - n); }
static uint32_t mix(uint32_t lane, uint32_t in) { return rol(lane + in * 2246822519u, 13) * 2654435761u; }

__attribute__((noinline)) static uint32_t hash(const uint32_t *p, const uint32_t *end, uint32_t start) {
  uint32_t a = start + 1, b = start + 2, c = start, d = start - 1;
  while (p < end) {
    a = mix(a, *p++);
    b = mix(b, *p++);
    c = mix(c, *p++);
    d = mix(d, *p++);
  }
  uint32_t h = rol(a, 1) + rol(b, 7) + rol(c, 12) + rol(d, 18);
  h = (h ^ h >> 15) * 2246822519u;
  return h ^ h >> 13;
}

RUN {
  for (unsigned i = 0; i < 1 << 16; i++) data[i] = i * 2654435761u;
  uint32_t h = 0;
  for (int i = 0; i < 20; i++) h = hash(data, data + (1 << 16), h);
  for (int i = 0; i < 20000; i++) h = hash(data + i, data + i + 16, h);
  return h;
}
