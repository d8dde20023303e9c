/* Counts what arrives on standard input and answers in JSON on standard output, as `wc` does. When it is called by
 * HTTP, the request is described by the CGI variables REQUEST_METHOD and PATH_INFO. */
#include <stdio.h>
#include <stdlib.h>

static int is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static void print_json_string(const char *text) {
  putchar('"');
  for (; *text != '\0'; text++) {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\') printf("\\%c", c);
    else if (c < 0x20) printf("\\u%04x", c);
    else putchar(c);
  }
  putchar('"');
}

static void print_variable(const char *key, const char *name) {
  const char *value = getenv(name);
  if (value == NULL) return;
  printf(",\"%s\":", key);
  print_json_string(value);
}

int main(void) {
  static char buffer[64 * 1024];
  unsigned long long bytes = 0, lines = 0, words = 0;
  int in_word = 0;
  size_t length;
  while ((length = fread(buffer, 1, sizeof buffer, stdin)) > 0) {
    bytes += length;
    for (size_t i = 0; i < length; i++) {
      int space = is_space((unsigned char)buffer[i]);
      if (buffer[i] == '\n') lines++;
      if (!space && !in_word) words++;
      in_word = !space;
    }
  }
  if (ferror(stdin)) {
    fputs("word-count: reading standard input failed\n", stderr);
    return 1;
  }
  printf("{\"lines\":%llu,\"words\":%llu,\"bytes\":%llu", lines, words, bytes);
  print_variable("method", "REQUEST_METHOD");
  print_variable("path", "PATH_INFO");
  puts("}");
  return 0;
}
