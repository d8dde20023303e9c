#include "bench.h"
static uint64_t data[512];

static uint64_t rol(uint64_t x, int n) { return x << n | x >> (64 - n); }

#define ROUND                                                        \
  v0 += v1, v1 = rol(v1, 13) ^ v0, v0 = rol(v0, 32);                 \
  v2 += v3, v3 = rol(v3, 16) ^ v2;                                   \
  v0 += v3, v3 = rol(v3, 21) ^ v0;                                   \
  v2 += v1, v1 = rol(v1, 17) ^ v2, v2 = rol(v2, 32)

__attribute__((noinline)) static uint64_t siphash(const uint64_t *in, int words, uint64_t k0, uint64_t k1) {
  uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d;
  uint64_t v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573;
  for (int i = 0; i < words; i++) {
    v3 ^= in[i];
    ROUND;
    ROUND;
    v0 ^= in[i];
  }
  v2 ^= 255;
  for (int i = 0; i < 4; i++) {
    ROUND;
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

RUN {
  for (int i = 0; i < 512; i++) data[i] = i * 0x9e3779b97f4a7c15;
  uint64_t h = 1;
  for (int i = 0; i < 1500; i++) h ^= siphash(data, 512, h, i);
  for (int i = 0; i < 40000; i++) h ^= siphash(data + i % 500, 2, h, i);
  return (int)(h ^ h >> 32);
}
