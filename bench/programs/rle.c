#include "bench.h"
#define SIZE 200000
static uint8_t in[SIZE], packed[SIZE * 2], out[SIZE];

RUN {
  seed(9);
  for (int i = 0; i < SIZE;) {
    uint8_t value = next();
    for (int n = next() % 20; n >= 0 && i < SIZE; n--) in[i++] = value;
  }
  int size = 0;
  for (int turn = 0; turn < 6; turn++) {
    size = 0;
    for (int i = 0; i < SIZE;) {
      int start = i;
      uint8_t value = in[i];
      while (i < SIZE && in[i] == value && i - start < 255) i++;
      packed[size++] = i - start;
      packed[size++] = value;
    }
    int to = 0;
    for (int i = 0; i < size; i += 2)
      for (int n = 0; n < packed[i]; n++) out[to++] = packed[i + 1];
  }
  for (int i = 0; i < SIZE; i++)
    if (in[i] != out[i]) return -1;
  return size;
}
