#include "bench.h"
#define LIMBS 128
static uint32_t a[LIMBS], b[LIMBS], c[2 * LIMBS];

__attribute__((noinline)) static void multiply(void) {
  for (int i = 0; i < 2 * LIMBS; i++) c[i] = 0;
  for (int i = 0; i < LIMBS; i++) {
    uint64_t carry = 0;
    for (int j = 0; j < LIMBS; j++) {
      carry += (uint64_t)a[i] * b[j] + c[i + j];
      c[i + j] = (uint32_t)carry;
      carry >>= 32;
    }
    c[i + LIMBS] = (uint32_t)carry;
  }
}

RUN {
  seed(47);
  for (int i = 0; i < LIMBS; i++) a[i] = next(), b[i] = next();
  for (int turn = 0; turn < 150; turn++) {
    multiply();
    for (int i = 0; i < LIMBS; i++) a[i] = c[i] ^ c[i + LIMBS];
  }
  return a[0] ^ a[LIMBS - 1];
}
