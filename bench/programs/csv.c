/* A state machine over quoted and plain fields. */
#include "bench.h"
static char text[1 << 18];

RUN {
  seed(11);
  char *to = text, *end = text + sizeof text - 64;
  while (to < end) {
    for (int field = 0; field < 6; field++) {
      if (field) *to++ = ',';
      if (next() % 5 == 0) {
        *to++ = '"';
        for (int n = next() % 8; n >= 0; n--) *to++ = n % 3 ? 'x' : ',';
        *to++ = '"', *to++ = '"', *to++ = '"';
      } else {
        for (int n = next() % 7; n >= 0; n--) *to++ = '0' + next() % 10;
      }
      if (to >= end) break;
    }
    *to++ = '\n';
  }
  enum { START, PLAIN, QUOTED, QUOTE } state = START;
  unsigned fields = 0, rows = 0, hash = 0, length = 0;
  for (int turn = 0; turn < 4; turn++)
    for (const char *p = text; p < to; p++) {
      char c = *p;
      switch (state) {
        case START:
          if (c == '"') { state = QUOTED; break; }
          state = PLAIN; /* falls through */
        case PLAIN:
          if (c == ',' || c == '\n') {
            fields++, hash = hash * 31 + length, length = 0, state = START;
            if (c == '\n') rows++;
          } else length++;
          break;
        case QUOTED:
          if (c == '"') state = QUOTE;
          else length++;
          break;
        case QUOTE:
          if (c == '"') length++, state = QUOTED;
          else {
            fields++, hash = hash * 31 + length, length = 0, state = START;
            if (c == '\n') rows++;
          }
      }
    }
  return hash + fields * 3 + rows;
}
