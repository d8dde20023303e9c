/* An interpreter of a stack machine, running a sieve. */
#include "bench.h"
enum { PUSH, LOAD, STORE, ADD, MUL, LESS, JUMP, JUMP0, GET, PUT, HALT };
enum { I, J, COUNT, N = 4000 };
static uint8_t memory[N];
static const int program[] = {
    /*  0 */ PUSH, 2, STORE, I,
    /*  4 */ LOAD, I, PUSH, N, LESS, JUMP0, 54,
    /* 11 */ LOAD, I, GET, JUMP0, 19, JUMP, 45, HALT,
    /* 19 */ LOAD, COUNT, PUSH, 1, ADD, STORE, COUNT,
    /* 26 */ LOAD, I, LOAD, I, ADD, STORE, J,
    /* 33 */ LOAD, J, PUSH, N, LESS, JUMP0, 45,
    /* 40 */ PUSH, 1, LOAD, J, PUT,
    /* 45 */ LOAD, J, PUSH, N, LESS, JUMP0, 55, JUMP, 66, HALT,
    /* 55 */ LOAD, I, PUSH, 1, ADD, STORE, I, JUMP, 4, HALT, HALT,
    /* 66 */ LOAD, J, LOAD, I, ADD, STORE, J, JUMP, 33};

__attribute__((noinline)) static int interpret(const int *code) {
  int stack[16], top = 0, local[4] = {0}, steps = 0;
  for (int pc = 0;; steps++) {
    switch (code[pc++]) {
      case PUSH: stack[top++] = code[pc++]; break;
      case LOAD: stack[top++] = local[code[pc++]]; break;
      case STORE: local[code[pc++]] = stack[--top]; break;
      case ADD: top--, stack[top - 1] += stack[top]; break;
      case MUL: top--, stack[top - 1] *= stack[top]; break;
      case LESS: top--, stack[top - 1] = stack[top - 1] < stack[top]; break;
      case JUMP: pc = code[pc]; break;
      case JUMP0: pc = stack[--top] ? pc + 1 : code[pc]; break;
      case GET: stack[top - 1] = memory[stack[top - 1]]; break;
      case PUT: top -= 2, memory[stack[top + 1]] = stack[top]; break;
      default: return steps * 10 + local[COUNT];
    }
    if (steps > 400000) return local[I] + local[COUNT];
  }
}

RUN {
  int sum = 0;
  for (int turn = 0; turn < 3; turn++) {
    memset(memory, 0, sizeof memory);
    sum = sum * 3 + interpret(program);
  }
  return sum;
}
