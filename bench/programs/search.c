/* Boyer-Moore-Horspool, and Knuth-Morris-Pratt, over text with many near misses. */
#include "bench.h"
#define SIZE 150000
static char text[SIZE];
static const char word[] = "abacabadabacaba";
#define LENGTH ((int)sizeof word - 1)

static int horspool(void) {
  int skip[256], count = 0;
  for (int i = 0; i < 256; i++) skip[i] = LENGTH;
  for (int i = 0; i < LENGTH - 1; i++) skip[(uint8_t)word[i]] = LENGTH - 1 - i;
  for (int i = 0; i + LENGTH <= SIZE; i += skip[(uint8_t)text[i + LENGTH - 1]]) {
    int n = LENGTH - 1;
    while (n >= 0 && text[i + n] == word[n]) n--;
    count += n < 0;
  }
  return count;
}

static int morris(void) {
  int back[LENGTH + 1], count = 0;
  back[0] = -1;
  for (int i = 0, n = -1; i < LENGTH;) {
    while (n >= 0 && word[i] != word[n]) n = back[n];
    back[++i] = ++n;
  }
  for (int i = 0, n = 0; i < SIZE; i++) {
    while (n >= 0 && text[i] != word[n]) n = back[n];
    if (++n == LENGTH) count++, n = back[n];
  }
  return count;
}

RUN {
  seed(23);
  for (int i = 0; i < SIZE; i++) text[i] = next() % 9 ? word[i % LENGTH] : 'a' + next() % 4;
  int sum = 0;
  for (int turn = 0; turn < 6; turn++) sum = sum * 31 + horspool() * 7 + morris();
  return sum;
}
