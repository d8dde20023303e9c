/** A guest for every limit: it is ended alone, with the limit's own code, and the next call works. */
import test from 'ava';
import { request } from 'undici';
import { cCommand } from '../harness/guests.ts';
import { fuelOf, startTestHost, type TestHost } from '../harness/host.ts';

/** Does what the path says. */
const MISBEHAVING = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static volatile int sink;
static char *volatile kept;
static int recurse(int n) { volatile char pad[64]; pad[0] = n; return n == -1 ? pad[0] : recurse(n + 1) + pad[0]; }
int main(void) {
  const char *path = getenv("PATH_INFO");
  const char *query = getenv("QUERY_STRING");
  long n = query ? atol(query) : 0;
  if (!path) path = "/";
  if (!strcmp(path, "/spin")) { fputs("spinning\\n", stderr); for (;;) sink++; }
  if (!strcmp(path, "/work")) for (long i = 0; i < n; i++) sink++;
  if (!strcmp(path, "/recurse")) return recurse(0);
  if (!strcmp(path, "/trap")) __builtin_trap();
  if (!strcmp(path, "/exit")) exit(n);
  if (!strcmp(path, "/sleep")) { fputs("sleeping\\n", stderr); usleep(n * 1000); }
  if (!strcmp(path, "/grow")) {
    long got = 0;
    for (long i = 0; i < n; i++) { char *p = malloc(1 << 20); kept = p; if (!p) break; memset(p, 1, 1 << 20); got++; }
    printf("%ld", got);
    return 0;
  }
  if (!strcmp(path, "/grow-and-die")) for (;;) { char *p = malloc(1 << 20); kept = p; if (!p) abort(); memset(p, 1, 1 << 20); }
  if (!strcmp(path, "/log")) { for (long i = 0; i < n; i++) fputs("0123456789abcdef\\n", stderr); fflush(stderr); }
  if (!strcmp(path, "/body")) { for (long i = 0; i < n; i++) fputs("0123456789abcdef", stdout); return 0; }
  if (!strcmp(path, "/headers")) {
    printf("Content-Type: text/plain\\n");
    for (long i = 0; i < n; i++) printf("X-Header-%ld: value\\n", i);
    printf("\\nbody");
    return 0;
  }
  if (!strcmp(path, "/read")) { long total = 0; char buffer[4096]; size_t k; while ((k = fread(buffer, 1, sizeof buffer, stdin)) > 0) total += k; printf("%ld", total); return 0; }
  if (!strcmp(path, "/split")) { printf("Content-Type: text/plain\\nX-A: a\\rSet-Cookie: b\\n\\nx"); return 0; }
  printf("ok");
  return 0;
}
`;

let host: TestHost;
let guest: Uint8Array;

test.before(async () => {
  [host, guest] = await Promise.all([startTestHost(), cCommand(MISBEHAVING)]);
  await host.deploy('base', guest);
});
test.after.always(() => host.dispose());

let count = 0;
async function deployed(configuration: Record<string, unknown>): Promise<string> {
  const name = `limit-${++count}`;
  await host.deploy(name, guest, configuration);
  return name;
}

const LIMITS: [title: string, configuration: Record<string, unknown>, path: string, code: string][] = [
  ['an endless loop ends when its fuel is used up', { fuel: 50_000_000 }, '/spin', 'fuel_exhausted'],
  [
    'an endless loop with fuel to spare ends at the timeout',
    { timeoutMs: 1_500, fuel: 1e12 },
    '/spin',
    'timed_out',
  ],
  ['a guest that sleeps too long ends at the timeout', { timeoutMs: 1_500 }, '/sleep?60000', 'timed_out'],
  ['endless recursion is a stack overflow or a trap of its own stack', {}, '/recurse', 'function_trapped'],
  ['a trap is a trap', {}, '/trap', 'function_trapped'],
  ['an exit status other than 0 is a failure', {}, '/exit?3', 'function_failed'],
  [
    'a guest that dies for want of memory has run out of memory',
    { memoryBytes: 8 * 2 ** 20 },
    '/grow-and-die',
    'memory_exceeded',
  ],
  ['a log flood ends the invocation', { logBytes: 1_000 }, '/log?1000', 'log_limit_exceeded'],
  [
    'a response that is too large ends the invocation',
    { responseBytes: 1_000 },
    '/body?100',
    'response_too_large',
  ],
  ['too many response headers are refused', { headerCount: 10 }, '/headers?20', 'response_headers_too_large'],
  [
    'too large response headers are refused',
    { headerBytes: 256 },
    '/headers?50',
    'response_headers_too_large',
  ],
  ['a response header with a line break in it is refused', {}, '/split', 'response_invalid'],
];

for (const [title, configuration, path, code] of LIMITS) {
  test(title, async (t) => {
    const name = await deployed(configuration);
    t.is(await host.failure(name, path), code);
    t.is((await host.call(name)).text, 'ok', 'the next call works');
  });
}

/** A call that does not end before it is hung up on; true if it did. */
function endless(name: string, path: string, signal: AbortSignal): Promise<boolean> {
  return request(`${host.origin}/fn/default/${name}${path}`, { signal }).then(
    () => true,
    () => false,
  );
}

test('memory grows up to the cap over all memories, and a grow past it fails as Wasm says', async (t) => {
  const name = await deployed({ memoryBytes: 16 * 2 ** 20 });
  const answer = await host.call(name, '/grow?100');
  t.is(answer.status, 200);
  const got = Number(answer.text);
  t.true(got >= 10 && got < 16, `${got} MiB`);
});

test('fuel is charged up to the budget, never beyond', async (t) => {
  const name = await deployed({ fuel: 10_000_000 });
  const answer = await host.call(name, '/spin');
  t.is(fuelOf(answer), '10000000');
});

test('more work costs more fuel, to the unit', async (t) => {
  const fuel = async (n: number): Promise<number> => Number(fuelOf(await host.call('base', `/work?${n}`)));
  const [a, b, c, d] = [await fuel(10_000), await fuel(20_000), await fuel(30_000), await fuel(10_000)];
  t.is(c - b, b - a);
  t.true(b > a);
  t.is(a, d);
});

test('a request body over the limit is refused by its length, and while it streams', async (t) => {
  const name = await deployed({ requestBytes: 10_000 });
  t.is(await host.failure(name, '/read', { method: 'POST', body: 'x'.repeat(10_001) }), 'request_too_large');
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 20; i++) yield Buffer.alloc(1_000);
  };
  t.is(await host.failure(name, '/read', { method: 'POST', body: chunks() }), 'request_too_large');
  t.is((await host.call(name, '/read', { method: 'POST', body: 'x'.repeat(10_000) })).text, '10000');
});

test('too many or too large request headers are refused', async (t) => {
  const name = await deployed({ headerCount: 20, headerBytes: 1_000 });
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`x-${i}`, '1']));
  t.is(await host.failure(name, '/', { headers: many }), 'request_headers_too_large');
  t.is(await host.failure(name, '/', { headers: { 'x-a': 'a'.repeat(1_000) } }), 'request_headers_too_large');
  t.is((await host.call(name)).text, 'ok');
});

test('invocations beyond the concurrency are refused at once, and admitted again afterwards', async (t) => {
  const name = await deployed({ concurrency: 2, timeoutMs: 60_000 });
  const abort = new AbortController();
  const waiting = Array.from({ length: 2 }, () => endless(name, '/sleep?60000', abort.signal));
  await host.logs(name, 2); // both say so when they go to sleep
  const refused = await host.call(name);
  t.is(refused.status, 429);
  t.is(JSON.parse(refused.text).code, 'too_many_invocations');
  t.truthy(refused.headers['retry-after']);
  abort.abort();
  await Promise.all(waiting);
  await host.logs(name, 4); // the host logs that their callers are gone
  t.is((await host.call(name)).text, 'ok');
});

for (const [what, path, guests] of [
  ['loops for ever', '/spin', 6],
  ['sleeps', '/sleep?90000', 20],
] as const) {
  test.serial(`a guest that ${what} does not keep others waiting`, async (t) => {
    t.timeout(60_000);
    const name = await deployed({ timeoutMs: 100_000, fuel: 1_000_000_000_000 });
    const abort = new AbortController();
    const calls = Array.from({ length: guests }, () => endless(name, path, abort.signal));
    await host.logs(name, guests); // each says so when it begins
    // They go on until they are hung up on: whoever waited for one of them would wait for this test's end.
    for (let i = 0; i < 20; i++) t.is((await host.call('base')).text, 'ok');
    abort.abort();
    t.deepEqual(
      await Promise.all(calls),
      calls.map(() => false),
    );
  });
}
