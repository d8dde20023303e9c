/* Says what it finds of an earlier run, leaves a message everywhere, and ends as the first byte of its input says. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int calls;
static char *kept;
static char text[] = "untouched";

static unsigned uninitialised(int depth) {
  volatile unsigned char stack[4096];
  unsigned sum = 0;
  for (unsigned i = 0; i < sizeof stack; i++) sum += stack[i];
  return depth > 0 ? sum + uninitialised(depth - 1) : sum;
}

static unsigned soil(int depth) {
  volatile unsigned char stack[4096];
  memset((void *)stack, 7, sizeof stack);
  return depth > 0 ? stack[depth] + soil(depth - 1) : 0;
}

static int recurse(volatile int depth) { return depth + recurse(depth + 1); }

static void look(void) {
  struct stat status;
  char *block = malloc(1000);
  printf("calls %d kept %s text %s errno %d rand %d\n", ++calls, kept ? kept : "none", text, errno, rand());
  printf("block %p first %d last %d top %p stack %u\n", (void *)block, block[0], block[999], sbrk(0), uninitialised(8));
  printf("environment %s folder %s file %d\n", getenv("LEFT") ? getenv("LEFT") : "none", getcwd(NULL, 0),
         stat("/tmp/left", &status));
  printf("descriptor %d\n", open("/tmp", O_RDONLY | O_DIRECTORY));
}

static void leave(void) {
  kept = strdup("a message");
  strcpy(text, "touched!");
  srand(77);
  setenv("LEFT", "a message", 1);
  soil(8);
  for (int i = 0; i < 20; i++) memset(malloc(10000), 7, 10000);
  FILE *file = fopen("/tmp/left", "w");
  if (file == NULL) exit(9);
  fputs("a message", file);
  fflush(file);
  mkdir("/tmp/folder", 0700);
  chdir("/tmp/folder");
  strtok(text, "u");
  errno = 99;
}

int main(void) {
  char how = 0;
  look();
  leave();
  read(0, &how, 1);
  switch (how) {
    case 'e': return 1;
    case 'x': exit(0);
    case 't': abort();
    case 'f': for (volatile int i = 0;; i++) {}
    case 'o': return recurse(0);
    case 'R': while (read(0, &how, 1) >= 0) {} break;
    case 'w': fflush(stdout); printf("half a line"); fflush(stdout); __builtin_trap();
    case 'm': while ((kept = malloc(60000))) *(volatile char *)kept = 7; abort();
    case 'b': printf("left in the buffer"); _exit(0);
  }
  return 0;
}
