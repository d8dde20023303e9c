#include "bench.h"
typedef struct tree { struct tree *left, *right; } tree;
static tree pool[1 << 16];
static int used;

static tree *build(int depth) {
  tree *t = &pool[used++];
  t->left = depth ? build(depth - 1) : 0;
  t->right = depth ? build(depth - 1) : 0;
  return t;
}

static int count(const tree *t) { return t ? 1 + count(t->left) + count(t->right) : 0; }

RUN {
  int sum = 0;
  for (int turn = 0; turn < 20; turn++)
    for (int depth = 4; depth <= 14; depth += 2) used = 0, sum += count(build(depth));
  return sum;
}
