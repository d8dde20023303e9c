/** A C program through the preview 1 adapter, jco and Mayfly's own imports. */
import test from 'ava';
import { ExitError } from '../../../host/wasi/cli/exit.ts';
import { createImports } from '../../../host/wasi/imports.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { Handles } from '../../../host/wasi/io/handles.ts';
import { cCommand } from '../../harness/guests.ts';
import { createFakeContext } from '../fake-context.ts';
import { type GuestComponent, loadCommand, runCommand } from '../guest-component.ts';

const SOURCE = `
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void greet(int argc, char **argv) {
  printf("args %d %s %s\\n", argc, argv[0], argv[1]);
  printf("env %s\\n", getenv("GREETING"));
  fprintf(stderr, "to stderr\\n");
}

static void echo(void) {
  char line[100];
  while (fgets(line, sizeof line, stdin)) printf("got %s", line);
  printf("\\nend of input\\n");
}

static void files(void) {
  char text[100] = "";
  FILE *file = fopen("/tmp/note", "w+");
  fputs("hello file", file);
  fseek(file, 6, SEEK_SET);
  fgets(text, sizeof text, file);
  fclose(file);
  printf("read %s\\n", text);
  file = fopen("/tmp/note", "a");
  fputs("!", file);
  fclose(file);
  struct stat info;
  stat("/tmp/note", &info);
  printf("size %lld mtime %lld regular %d\\n", info.st_size, info.st_mtim.tv_sec, S_ISREG(info.st_mode));
  mkdir("/tmp/d", 0777);
  rename("/tmp/note", "/tmp/d/moved");
  symlink("moved", "/tmp/d/link");
  DIR *dir = opendir("/tmp/d");
  struct dirent *entry;
  while ((entry = readdir(dir))) if (entry->d_name[0] != '.') printf("entry %s\\n", entry->d_name);
  closedir(dir);
  file = fopen("/tmp/d/link", "r");
  fgets(text, sizeof text, file);
  fclose(file);
  printf("via link %s\\n", text);
  printf("rmdir %d %d\\n", rmdir("/tmp/d"), errno == ENOTEMPTY);
  printf("outside %d %d\\n", open("/etc/passwd", O_RDONLY), errno == ENOENT);
  printf("root %d %d\\n", open("/x", O_CREAT | O_WRONLY, 0666), errno == EROFS);
  printf("above %d %d\\n", open("/../../etc/passwd", O_RDONLY), errno == ENOENT || errno == EPERM || errno == ENOTCAPABLE);
}

static void full(void) {
  static char block[65536];
  int file = open("/tmp/big", O_CREAT | O_WRONLY, 0666);
  long total = 0;
  ssize_t wrote;
  while ((wrote = write(file, block, sizeof block)) > 0) total += wrote;
  printf("full after %ld %d\\n", total, errno == ENOSPC);
}

static void times(void) {
  struct timespec before, after, wall, nap = {0, 5000000};
  clock_gettime(CLOCK_REALTIME, &wall);
  clock_gettime(CLOCK_MONOTONIC, &before);
  nanosleep(&nap, NULL);
  clock_gettime(CLOCK_MONOTONIC, &after);
  long long slept = (after.tv_sec - before.tv_sec) * 1000000000LL + after.tv_nsec - before.tv_nsec;
  printf("wall %lld slept enough %d\\n", wall.tv_sec, slept >= 5000000);
}

static void entropy(void) {
  unsigned long long one = 0, two = 0;
  getentropy(&one, sizeof one);
  getentropy(&two, sizeof two);
  printf("random %d\\n", one != 0 && one != two);
}

int main(int argc, char **argv) {
  const char *what = argv[1];
  greet(argc, argv);
  if (strcmp(what, "echo") == 0) echo();
  if (strcmp(what, "files") == 0) files();
  if (strcmp(what, "full") == 0) full();
  if (strcmp(what, "times") == 0) times();
  if (strcmp(what, "entropy") == 0) entropy();
  if (strcmp(what, "exit") == 0) exit(7);
  if (strcmp(what, "abort") == 0) abort();
  return 0;
}
`;

let guest: GuestComponent;

test.before(async () => {
  guest = await loadCommand(await cCommand(SOURCE));
});

function contextFor(what: string, stdin?: string) {
  return createFakeContext({
    args: ['guest', what],
    environment: [['GREETING', 'grüß dich']],
    ...(stdin === undefined ? {} : { stdin }),
  });
}

test('a command sees its arguments and environment, and writes to both outputs', async (t) => {
  const context = contextFor('nothing');
  await runCommand(guest, createImports(context));
  t.is(context.stdout.text, 'args 2 guest nothing\nenv grüß dich\n');
  t.is(context.stderr.text, 'to stderr\n');
});

test('a command reads its standard input to the end', async (t) => {
  const context = contextFor('echo', 'one\ntwo');
  await runCommand(guest, createImports(context));
  t.true(context.stdout.text.endsWith('got one\ngot two\nend of input\n'));
});

test('a command waits for input that comes late', async (t) => {
  const pipe = new BytePipe();
  const context = { ...contextFor('echo'), stdin: pipe.source };
  const running = runCommand(guest, createImports(context));
  await new Promise(setImmediate);
  pipe.sink.write(Buffer.from('late\n'));
  pipe.sink.end();
  await running;
  t.true(context.stdout.text.includes('got late\n'));
});

test('a command has a file system of its own under /tmp', async (t) => {
  const context = contextFor('files');
  await runCommand(guest, createImports(context));
  t.deepEqual(context.stdout.text.split('\n').slice(2), [
    'read file',
    'size 11 mtime 1700000000 regular 1',
    'entry moved',
    'entry link',
    'via link hello file!',
    'rmdir -1 1',
    'outside -1 1',
    'root -1 1',
    'above -1 1',
    '',
  ]);
  const second = contextFor('files');
  await runCommand(guest, createImports(second));
  t.is(second.stdout.text, context.stdout.text, 'nothing of the first invocation is left');
});

test('a command can fill /tmp up to its bound', async (t) => {
  const context = contextFor('full');
  await runCommand(guest, createImports(context));
  t.true(context.stdout.text.includes('full after 1048576 1\n'), context.stdout.text);
});

test('a command reads the clocks and sleeps', async (t) => {
  const context = contextFor('times');
  const running = runCommand(guest, createImports(context));
  while (context.clock.sleepers === 0) await new Promise(setImmediate);
  context.clock.advance(5_000_000n);
  await running;
  t.true(context.stdout.text.includes('wall 1700000000 slept enough 1\n'), context.stdout.text);
});

test('a command that sleeps when its invocation ends leaves no timer and never settles', async (t) => {
  const context = contextFor('times');
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  void runCommand(guest, createImports(context)).then(settle, settle);
  while (context.clock.sleepers === 0) await new Promise(setImmediate);
  context.abort();
  t.is(context.clock.sleepers, 0);
  context.clock.advance(1_000_000_000n);
  await new Promise(setImmediate);
  t.false(settled);
});

test('a command gets random bytes', async (t) => {
  const context = contextFor('entropy');
  await runCommand(guest, createImports(context));
  t.true(context.stdout.text.includes('random 1\n'));
});

test('exit ends a command with its status', async (t) => {
  const context = contextFor('exit');
  const error = await t.throwsAsync(runCommand(guest, createImports(context)), { instanceOf: ExitError });
  t.is(error?.status, 1, 'the adapter knows success and failure only');
});

test('a trap is no exit', async (t) => {
  const context = contextFor('abort');
  await t.throwsAsync(runCommand(guest, createImports(context)), { instanceOf: WebAssembly.RuntimeError });
});

test('what a command opened and dropped does not stay counted', async (t) => {
  const context = contextFor('files');
  await runCommand(guest, createImports(context));
  t.true(Handles.of(context).live < 10, `${Handles.of(context).live} handles`);
});
