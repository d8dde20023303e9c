/* Products of matrices of 4 by 4 floats: short loops that the compiler unrolls. */
#include "bench.h"
typedef struct { float m[4][4]; } matrix;
static matrix chain[256];

__attribute__((noinline)) static void multiply(matrix *to, const matrix *a, const matrix *b) {
  matrix out;
  for (int i = 0; i < 4; i++)
    for (int j = 0; j < 4; j++) {
      float sum = 0;
      for (int k = 0; k < 4; k++) sum += a->m[i][k] * b->m[k][j];
      out.m[i][j] = sum;
    }
  *to = out;
}

RUN {
  for (int n = 0; n < 256; n++)
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < 4; j++) chain[n].m[i][j] = (i == j) + (n + i * j) % 3 * 0.01f;
  float sum = 0;
  for (int turn = 0; turn < 200; turn++) {
    matrix product = chain[0];
    for (int n = 1; n < 256; n++) multiply(&product, &product, &chain[n]);
    sum += product.m[turn & 3][1] / product.m[0][0];
  }
  return (int)(sum * 1000);
}
