/** Real wasip1 commands whose allocators take the whole memory for theirs, in a real host. */
import anyTest, { type TestFn } from 'ava';
import { cCommand } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';

const MIB = 1024 * 1024;
const test = anyTest as TestFn<{ host: TestHost }>;

test.before(async (t) => {
  t.context.host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
});
test.after.always(async (t) => {
  await t.context.host?.dispose();
});

async function answer(host: TestHost, name: string, source: string, body = ''): Promise<string> {
  await host.deploy(name, await cCommand(source), { memoryBytes: 128 * MIB, timeoutMs: 30_000 });
  const { status, text } = await host.call(name, '/a/path', { method: 'POST', body });
  return status === 200 ? text : `${status} ${text} ${(await host.logs(name, 0)).join('\n')}`;
}

test('a program fills what it allocates before it calls the host for the first time', async (t) => {
  // wasi-libc before 2023 takes the heap to reach up to the memory's size at the first malloc.
  const text = await answer(
    t.context.host,
    'greedy',
    `#include <stdio.h>
     #include <stdlib.h>
     #include <string.h>
     static char *volatile kept;
     int main(int argc, char **argv) {
       for (int i = 0; i < 5; i++) { kept = malloc(1 << 20); memset(kept, 0xaa, 1 << 20); }
       printf("%d %s %s", argc, argv[argc], getenv("PATH_INFO"));
     }`,
  );
  t.is(text, '1 (null) /a/path');
});

test('a heap that grows, shrinks and is full of holes keeps its contents', async (t) => {
  const text = await answer(
    t.context.host,
    'holes',
    `#include <stdio.h>
     #include <stdlib.h>
     #include <string.h>
     #include <time.h>
     #define SLOTS 400
     static unsigned state = 20261123;
     static unsigned next(unsigned bound) { state = state * 1664525u + 1013904223u; return (state >> 7) % bound; }
     static unsigned char *block[SLOTS]; static unsigned size[SLOTS];
     static int intact(int i, unsigned upTo) {
       for (unsigned n = 0; n < upTo; n++) if (block[i][n] != (unsigned char)(i * 7 + n)) return 0;
       return 1;
     }
     static void fill(int i, unsigned from) { for (unsigned n = from; n < size[i]; n++) block[i][n] = i * 7 + n; }
     int main() {
       unsigned grown = 0;
       for (int round = 0; round < 5000; round++) {
         int i = next(SLOTS);
         unsigned wanted = next(10) ? next(3000) + 1 : next(300000) + 1;
         if (block[i] && !intact(i, size[i])) { printf("slot %d is damaged in round %d", i, round); return 0; }
         if (block[i] && next(2)) { free(block[i]); block[i] = 0; continue; }
         unsigned kept = block[i] ? (size[i] < wanted ? size[i] : wanted) : 0;
         block[i] = realloc(block[i], size[i] = wanted);
         if (!block[i]) { printf("out of memory in round %d", round); return 0; }
         if (!intact(i, kept)) { printf("slot %d was damaged by realloc in round %d", i, round); return 0; }
         fill(i, kept);
         if (round % 500 == 0) { time(0); fprintf(stderr, "round %d\\n", round); }
       }
       for (int i = 0; i < SLOTS; i++) if (block[i] && !intact(i, size[i])) { printf("slot %d", i); return 0; }
       printf("intact, %s", __builtin_wasm_memory_size(0) > 60 ? "grown" : "not grown");
     }`,
  );
  t.is(text, 'intact, grown');
});

test('an allocator may take what it grows for the continuation of what it had, as Go and TinyGo do', async (t) => {
  const text = await answer(
    t.context.host,
    'contiguous',
    `#include <stdio.h>
     #include <time.h>
     #include <unistd.h>
     extern unsigned char __heap_base;
     int main() {
       time(0);
       unsigned char *end = (unsigned char *)(__builtin_wasm_memory_size(0) * 65536), *at = &__heap_base;
       for (int step = 0; step < 20; step++) {
         if (__builtin_wasm_memory_grow(0, 3) < 0) return 1;
         end += 3 * 65536;
         if ((unsigned char *)(__builtin_wasm_memory_size(0) * 65536) != end) { write(1, "moved", 5); return 0; }
         for (; at < end; at++) *at = step + 1;
         time(0);
       }
       unsigned char last = 1;
       for (at = &__heap_base; at < end; at++) { if (*at < last) { write(1, "damaged", 7); return 0; } last = *at; }
       write(1, "contiguous", 10);
     }`,
  );
  t.is(text, 'contiguous');
});

test('buffers, strings, clocks, polls and files reach the host by their addresses', async (t) => {
  const text = await answer(
    t.context.host,
    'addresses',
    `#include <dirent.h>
     #include <errno.h>
     #include <fcntl.h>
     #include <stdio.h>
     #include <string.h>
     #include <sys/stat.h>
     #include <sys/uio.h>
     #include <time.h>
     #include <unistd.h>
     static char a[4], b[100];
     int main() {
       int got = 0, more;
       struct iovec in[] = { { a, 4 }, { b, sizeof b } };
       while ((more = readv(0, in + (got >= 4), 2 - (got >= 4))) > 0) {
         got += more;
         in[got >= 4].iov_base = got >= 4 ? b + got - 4 : a + got;
         in[got >= 4].iov_len = got >= 4 ? sizeof b - (got - 4) : 4 - got;
       }
       unsigned char noise[32] = { 0 }, any = 0;
       if (getentropy(noise, sizeof noise)) return 1;
       for (int i = 0; i < 32; i++) any |= noise[i];
       struct timespec nap = { 0, 1000000 }, now = { 0 }, later = { 0 };
       clock_gettime(CLOCK_MONOTONIC, &now); nanosleep(&nap, 0); clock_gettime(CLOCK_MONOTONIC, &later);
       long long slept = (later.tv_sec - now.tv_sec) * 1000000000ll + later.tv_nsec - now.tv_nsec;
       struct iovec out[] = { { "", 0 }, { a, 4 }, { "|", 1 }, { b, got - 4 }, { "|", 1 } };
       for (int i = 0; i < 5;) {
         int n = writev(1, out + i, 5 - i);
         if (n < 0) return 2;
         while (i < 5 && n >= (int)out[i].iov_len) n -= out[i++].iov_len;
         if (n) { out[i].iov_base = (char *)out[i].iov_base + n; out[i].iov_len -= n; }
       }
       printf("%s|%s|", any ? "random" : "zero", slept >= 1000000 ? "slept" : "awake");
       int made = mkdir("/tmp/folder", 0777), fd = open("/tmp/folder/file", O_CREAT | O_RDWR, 0666);
       if (made || fd < 0) { printf("no files: %s", strerror(errno)); return 0; }
       write(fd, "contents", 8); lseek(fd, 3, SEEK_SET); memset(b, 0, sizeof b); read(fd, b, 50); close(fd);
       struct stat status; stat("/tmp/folder/file", &status);
       rename("/tmp/folder/file", "/tmp/folder/renamed");
       printf("%s|%d|", b, (int)status.st_size);
       DIR *folder = opendir("/tmp/folder");
       for (struct dirent *entry; folder && (entry = readdir(folder));) if (entry->d_name[0] != '.') printf("%s", entry->d_name);
     }`,
    'four and the rest',
  );
  t.regex(text, /^four\| and the rest\|random\|slept\|tents\|8\|renamed$/);
});
