#include "bench.h"
#define SIZE 60000
static int a[SIZE];

__attribute__((noinline)) static void sort(int low, int high) {
  while (low < high) {
    int pivot = a[(low + high) / 2], i = low, j = high;
    while (i <= j) {
      while (a[i] < pivot) i++;
      while (a[j] > pivot) j--;
      if (i <= j) {
        int t = a[i];
        a[i++] = a[j], a[j--] = t;
      }
    }
    if (j - low < high - i) sort(low, j), low = i;
    else sort(i, high), high = j;
  }
}

RUN {
  seed(13);
  for (int i = 0; i < SIZE; i++) a[i] = next() >> 1;
  sort(0, SIZE - 1);
  for (int i = 1; i < SIZE; i++)
    if (a[i - 1] > a[i]) return -1;
  return a[SIZE / 2];
}
