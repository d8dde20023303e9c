#include "bench.h"
#define SIZE 50000
static int a[SIZE];

static void sift(int root, int count) {
  for (;;) {
    int child = 2 * root + 1;
    if (child >= count) return;
    if (child + 1 < count && a[child] < a[child + 1]) child++;
    if (a[root] >= a[child]) return;
    int t = a[root];
    a[root] = a[child], a[child] = t;
    root = child;
  }
}

RUN {
  seed(17);
  for (int i = 0; i < SIZE; i++) a[i] = next() >> 1;
  for (int i = SIZE / 2; i >= 0; i--) sift(i, SIZE);
  for (int n = SIZE - 1; n > 0; n--) {
    int t = a[0];
    a[0] = a[n], a[n] = t;
    sift(0, n);
  }
  for (int i = 1; i < SIZE; i++)
    if (a[i - 1] > a[i]) return -1;
  return a[SIZE / 2];
}
