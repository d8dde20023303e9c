#include "bench.h"
#define SIZE 150000
static uint8_t in[SIZE], text[SIZE / 3 * 4], out[SIZE];
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

RUN {
  seed(41);
  uint8_t value[256];
  for (int i = 0; i < 64; i++) value[(uint8_t)digits[i]] = i;
  for (int i = 0; i < SIZE; i++) in[i] = next() >> 7;
  for (int turn = 0; turn < 5; turn++) {
    uint8_t *to = text;
    for (int i = 0; i < SIZE; i += 3) {
      uint32_t group = in[i] << 16 | in[i + 1] << 8 | in[i + 2];
      *to++ = digits[group >> 18], *to++ = digits[group >> 12 & 63];
      *to++ = digits[group >> 6 & 63], *to++ = digits[group & 63];
    }
    to = out;
    for (unsigned i = 0; i < sizeof text; i += 4) {
      uint32_t group = value[text[i]] << 18 | value[text[i + 1]] << 12 | value[text[i + 2]] << 6 | value[text[i + 3]];
      *to++ = group >> 16, *to++ = group >> 8, *to++ = group;
    }
  }
  unsigned sum = 0;
  for (int i = 0; i < SIZE; i++) {
    if (in[i] != out[i]) return -1;
    sum = sum * 31 + out[i];
  }
  return sum;
}
