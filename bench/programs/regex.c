/* A backtracking matcher of literals, `.`, `*`, `^` and `$`. */
#include "bench.h"
static char text[20000];

static int here(const char *pattern, const char *at);

static int star(char c, const char *pattern, const char *at) {
  do
    if (here(pattern, at)) return 1;
  while (*at && (*at++ == c || c == '.'));
  return 0;
}

static int here(const char *pattern, const char *at) {
  if (!pattern[0]) return 1;
  if (pattern[1] == '*') return star(pattern[0], pattern + 2, at);
  if (pattern[0] == '$' && !pattern[1]) return !*at;
  if (*at && (pattern[0] == '.' || pattern[0] == *at)) return here(pattern + 1, at + 1);
  return 0;
}

RUN {
  seed(37);
  for (unsigned i = 0; i < sizeof text - 1; i++) text[i] = next() % 40 ? 'a' + next() % 6 : 0;
  static const char *patterns[] = {"ab*c", "a.*d.e", "b*b*c*fa", "^a.c", "cab$", "a*a*a*b"};
  int sum = 0;
  for (int turn = 0; turn < 8; turn++)
    for (int n = 0; n < 6; n++)
      for (unsigned i = 0; i < sizeof text - 1; i++) sum += here(patterns[n] + (n == 3), text + i) * (n + 1);
  return sum;
}
