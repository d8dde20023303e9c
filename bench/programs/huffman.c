#include "bench.h"
#define SIZE 80000
static uint8_t in[SIZE], out[SIZE], bits[SIZE * 2];
static unsigned weight[512], code[256], length[256];
static int left[512], right[512], used[512];

static int least(int count) {
  int best = -1;
  for (int i = 0; i < count; i++)
    if (weight[i] && !used[i] && (best < 0 || weight[i] < weight[best])) best = i;
  used[best] = 1;
  return best;
}

static void assign(int node, unsigned prefix, int depth) {
  if (node < 256) {
    code[node] = prefix, length[node] = depth;
    return;
  }
  assign(left[node], prefix << 1, depth + 1);
  assign(right[node], prefix << 1 | 1, depth + 1);
}

RUN {
  seed(5);
  for (int i = 0; i < 512; i++) weight[i] = used[i] = 0;
  for (int i = 0; i < SIZE; i++) weight[in[i] = (next() & next() & next()) % 61]++;
  int symbols = 0, count = 256;
  for (int i = 0; i < 256; i++) symbols += weight[i] > 0;
  for (int i = 1; i < symbols; i++, count++) {
    left[count] = least(count);
    right[count] = least(count);
    weight[count] = weight[left[count]] + weight[right[count]];
  }
  assign(count - 1, 0, 0);
  unsigned total = 0;
  for (int turn = 0; turn < 3; turn++) {
    memset(bits, 0, sizeof bits);
    total = 0;
    for (int i = 0; i < SIZE; i++)
      for (int n = length[in[i]] - 1; n >= 0; n--, total++)
        if (code[in[i]] >> n & 1) bits[total >> 3] |= 1 << (total & 7);
    int node = count - 1, to = 0;
    for (unsigned i = 0; i < total; i++) {
      node = bits[i >> 3] >> (i & 7) & 1 ? right[node] : left[node];
      if (node < 256) out[to++] = node, node = count - 1;
    }
  }
  for (int i = 0; i < SIZE; i++)
    if (in[i] != out[i]) return -1;
  return total;
}
