/* Writes a JSON document of nested arrays and objects, then parses and sums it by recursive descent. */
#include "bench.h"
static char text[1 << 18];
static const char *at;

static char *number(char *to, unsigned value) {
  char digits[10];
  int n = 0;
  do digits[n++] = '0' + value % 10;
  while (value /= 10);
  while (n) *to++ = digits[--n];
  return to;
}

static char *write(char *to, int depth) {
  if (depth == 0) {
    switch (next() % 4) {
      case 0: return number(to, next() % 100000);
      case 1: memcpy(to, "\"a string\\n of text\"", 20); return to + 20;
      case 2: memcpy(to, "true", 4); return to + 4;
      default: memcpy(to, "null", 4); return to + 4;
    }
  }
  int count = 3 + next() % 4, isObject = next() & 1;
  *to++ = isObject ? '{' : '[';
  for (int i = 0; i < count; i++) {
    if (i) *to++ = ',', *to++ = ' ';
    if (isObject) {
      *to++ = '"', *to++ = 'k', *to++ = 'a' + i, *to++ = '"', *to++ = ':';
    }
    to = write(to, depth - 1);
  }
  *to++ = isObject ? '}' : ']';
  return to;
}

static void space(void) {
  while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r') at++;
}

static unsigned string(void) {
  unsigned h = 5381;
  for (at++; *at != '"'; at++) {
    if (*at == '\\') at++;
    h = h * 33 + *at;
  }
  at++;
  return h;
}

static unsigned value(void) {
  space();
  unsigned sum = 0;
  switch (*at) {
    case '{':
      at++;
      for (space(); *at != '}'; space()) {
        if (*at == ',') at++;
        space();
        sum = sum * 31 + string();
        space();
        at++;
        sum += value();
      }
      at++;
      return sum;
    case '[':
      at++;
      for (space(); *at != ']'; space()) {
        if (*at == ',') at++;
        sum = sum * 17 + value();
      }
      at++;
      return sum;
    case '"': return string();
    case 't': at += 4; return 1;
    case 'n': at += 4; return 2;
    default:
      while (*at >= '0' && *at <= '9') sum = sum * 10 + (*at++ - '0');
      return sum;
  }
}

RUN {
  seed(7);
  *write(text, 6) = 0;
  unsigned sum = 0;
  for (int i = 0; i < 30; i++) at = text, sum = sum * 3 + value();
  return sum;
}
