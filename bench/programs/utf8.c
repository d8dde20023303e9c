/* Validates and counts code points. */
#include "bench.h"
#define SIZE 200000
static uint8_t text[SIZE + 8];

__attribute__((noinline)) static int codepoints(const uint8_t *p, const uint8_t *end) {
  int count = 0;
  while (p < end) {
    uint8_t c = *p++;
    int more;
    uint32_t value;
    if (c < 0x80) {
      count++;
      continue;
    }
    if (c < 0xc2) return -1;
    if (c < 0xe0) more = 1, value = c & 0x1f;
    else if (c < 0xf0) more = 2, value = c & 0x0f;
    else if (c < 0xf5) more = 3, value = c & 7;
    else return -1;
    for (int i = 0; i < more; i++) {
      if (p >= end || (*p & 0xc0) != 0x80) return -1;
      value = value << 6 | (*p++ & 0x3f);
    }
    if (value < (more == 1 ? 0x80u : more == 2 ? 0x800u : 0x10000u) || value > 0x10ffff) return -1;
    if (value >= 0xd800 && value < 0xe000) return -1;
    count++;
  }
  return count;
}

RUN {
  seed(43);
  uint8_t *to = text;
  while (to < text + SIZE) {
    switch (next() % 8) {
      case 0: *to++ = 0xc3, *to++ = 0x80 | next() % 64; break;
      case 1: *to++ = 0xe2, *to++ = 0x82, *to++ = 0x80 | next() % 64; break;
      case 2: *to++ = 0xf0, *to++ = 0x9f, *to++ = 0x98, *to++ = 0x80 | next() % 64; break;
      default: *to++ = 'a' + next() % 26;
    }
  }
  int sum = 0;
  for (int turn = 0; turn < 10; turn++) sum += codepoints(text, to);
  return sum;
}
