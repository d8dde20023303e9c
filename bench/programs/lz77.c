#include "bench.h"
#define SIZE 60000
static uint8_t in[SIZE], packed[SIZE * 2], out[SIZE];
static int head[4096];

__attribute__((noinline)) static int pack(void) {
  for (int i = 0; i < 4096; i++) head[i] = -1;
  int n = 0;
  for (int i = 0; i < SIZE;) {
    int length = 0, from = -1;
    if (i + 4 < SIZE) {
      unsigned h = (in[i] * 2654435761u ^ in[i + 1] * 40503u ^ in[i + 2] * 97u) >> 4 & 4095;
      from = head[h];
      head[h] = i;
      if (from >= 0 && i - from < 65536)
        while (length < 255 && i + length < SIZE && in[from + length] == in[i + length]) length++;
    }
    if (length >= 4) {
      packed[n++] = length, packed[n++] = (i - from) & 255, packed[n++] = (i - from) >> 8;
      i += length;
    } else {
      packed[n++] = 0, packed[n++] = in[i++];
    }
  }
  return n;
}

__attribute__((noinline)) static int unpack(int n) {
  int to = 0;
  for (int i = 0; i < n;) {
    int length = packed[i++];
    if (length) {
      int from = to - (packed[i] | packed[i + 1] << 8);
      i += 2;
      while (length--) out[to++] = out[from++];
    } else out[to++] = packed[i++];
  }
  return to;
}

RUN {
  seed(3);
  for (int i = 0; i < SIZE; i++) in[i] = next() % 8 ? in[i > 300 ? i - 100 - i % 200 : 0] + (next() % 16 == 0) : next() % 64;
  int n = 0;
  for (int turn = 0; turn < 4; turn++) n = pack(), unpack(n);
  for (int i = 0; i < SIZE; i++)
    if (in[i] != out[i]) return -1;
  return n;
}
