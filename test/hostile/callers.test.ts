/** Callers that mean harm, byte by byte: each gets a clear answer or a closed door, and everybody else is served. */
import test, { type ExecutionContext } from 'ava';
import { cCommand, exampleComponent } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { LeakCheck } from '../harness/leaks.ts';
import { exchange, RawConnection, statuses } from '../harness/raw-connection.ts';

const leaks = new LeakCheck();
const TINY = 'A mayfly lives for a day.\n';

/** Writes as much as the path says, in MiB. */
const PRODUCER = `
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static char buffer[65536];
int main(void) {
  memset(buffer, 'x', sizeof buffer);
  printf("Content-Type: text/plain\\n\\n");
  for (long n = 16 * atol(getenv("PATH_INFO") + 1); n > 0; n--) if (fwrite(buffer, 1, sizeof buffer, stdout) != sizeof buffer) return 1;
  return 0;
}
`;

const PATH = `
#include <stdio.h>
#include <stdlib.h>
int main(void) { printf("%s", getenv("PATH_INFO")); return 0; }
`;

let host: TestHost;
let port: number;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_CEILING_HEADER_COUNT: '2000' } });
  port = host.running.port;
  const [hello, tiny, producer, path] = await Promise.all([
    exampleComponent('hello-ts'),
    exampleComponent('tiny-wat'),
    cCommand(PRODUCER),
    cCommand(PATH),
  ]);
  await host.deploy('hello', hello);
  await host.deploy('x', tiny);
  await host.deploy('path', path);
  await host.deploy('held', hello, { timeoutMs: 60_000 });
  await host.deploy('producer', producer, { timeoutMs: 60_000 });
});
test.after.always(async () => {
  await host.dispose();
  await leaks.settled();
});

async function helloIsServed(t: ExecutionContext): Promise<void> {
  t.is((await host.call('x')).text, TINY);
}

const HOST = 'host: example\r\n';
const CLOSE = 'connection: close\r\n';
const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\n${HOST}${CLOSE}${more}\r\n`;
const post = (headers: string, body: string, target = '/fn/default/hello/'): string =>
  `POST ${target} HTTP/1.1\r\n${HOST}${headers}\r\n${body}`;
const fields = (count: number): string => Array.from({ length: count }, (_, i) => `x-${i}: 1\r\n`).join('');

type Shape = readonly [title: string, bytes: string, status: number, code: string];

const REFUSED: readonly Shape[] = [
  // What a proxy might read in another way.
  [
    'both a length and chunks',
    post('content-length: 4\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n'),
    400,
    'invalid_request',
  ],
  [
    'both chunks and a length',
    post('transfer-encoding: chunked\r\ncontent-length: 4\r\n', '0\r\n\r\n'),
    400,
    'invalid_request',
  ],
  [
    'chunks that are not last',
    post('transfer-encoding: chunked, identity\r\n', '0\r\n\r\n'),
    400,
    'invalid_request',
  ],
  ['an encoding that nobody knows', post('transfer-encoding: cow\r\n', '0\r\n\r\n'), 400, 'invalid_request'],
  ['a space before the colon', post('transfer-encoding : chunked\r\n', '0\r\n\r\n'), 400, 'invalid_request'],
  ['two lengths', post('content-length: 4\r\ncontent-length: 5\r\n', '12345'), 400, 'invalid_request'],
  ['a negative length', post('content-length: -4\r\n', ''), 400, 'invalid_request'],
  [
    'a length beyond all numbers',
    post('content-length: 99999999999999999999\r\n', ''),
    400,
    'invalid_request',
  ],
  [
    'a chunk size that is no number',
    post('transfer-encoding: chunked\r\n', 'zz\r\nhi\r\n0\r\n\r\n'),
    400,
    'invalid_request',
  ],
  [
    'a negative chunk size',
    post('transfer-encoding: chunked\r\n', '-1\r\nhi\r\n0\r\n\r\n'),
    400,
    'invalid_request',
  ],
  [
    'a chunk size beyond all numbers',
    post('transfer-encoding: chunked\r\n', `${'f'.repeat(18)}\r\nhi\r\n`),
    400,
    'invalid_request',
  ],
  [
    'a chunk longer than its size',
    post('transfer-encoding: chunked\r\n', '1\r\nhi\r\n0\r\n\r\n'),
    400,
    'invalid_request',
  ],
  [
    'chunk extensions without end',
    post('transfer-encoding: chunked\r\n', `2;${'a'.repeat(20_000)}\r\nhi\r\n0\r\n\r\n`),
    413,
    'request_too_large',
  ],
  ['line feeds alone', 'GET /fn/default/x/ HTTP/1.1\nhost: x\n\n', 400, 'invalid_request'],
  ['a folded header', get('/fn/default/x/', 'x-a: b\r\n c\r\n'), 400, 'invalid_request'],
  ['a NUL in a header', get('/fn/default/x/', 'x-a: b\0c\r\n'), 400, 'invalid_request'],
  ['no host', `GET /fn/default/x/ HTTP/1.1\r\n${CLOSE}\r\n`, 400, 'invalid_request'],
  ['an expectation that nobody meets', get('/fn/default/x/', 'expect: more\r\n'), 400, 'invalid_request'],
  ['two hosts', get('/fn/default/x/', 'host: other\r\n'), 400, 'invalid_request'],
  ['a host that is none', `GET /healthz HTTP/1.1\r\nhost: a b<>\r\n${CLOSE}\r\n`, 400, 'invalid_request'],
  // Heads without measure.
  [
    'a header larger than the function takes',
    get('/fn/default/x/', `x-a: ${'a'.repeat(60_000)}\r\n`),
    431,
    'request_headers_too_large',
  ],
  [
    'a header larger than Node takes',
    get('/fn/default/x/', `x-a: ${'a'.repeat(1_000_000)}\r\n`),
    431,
    'request_headers_too_large',
  ],
  [
    'more headers than the function takes',
    get('/fn/default/x/', fields(200)),
    431,
    'request_headers_too_large',
  ],
  ['more headers than Node keeps', get('/fn/default/x/', fields(2_500)), 431, 'request_headers_too_large'],
  [
    'a target larger than Node takes',
    get(`/fn/default/x/${'a'.repeat(500_000)}`),
    431,
    'request_headers_too_large',
  ],
  [
    'a host header without end',
    `GET / HTTP/1.1\r\nhost: ${'a'.repeat(500_000)}`,
    431,
    'request_headers_too_large',
  ],
  // Not for us.
  ['CONNECT', `CONNECT example.com:443 HTTP/1.1\r\n${HOST}\r\n`, 405, 'method_not_allowed'],
  ['OPTIONS *', `OPTIONS * HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 400, 'invalid_request'],
  ['an unknown method', `BREW /fn/default/hello/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, 400, 'invalid_request'],
  ['HTTP/2 without asking', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'invalid_request'],
  ['HTTP/0.9', 'GET /fn/default/x/\r\n\r\n', 400, 'invalid_request'],
  ['TLS', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', 400, 'invalid_request'],
  ['another scheme', get('ftp://example/fn/default/x/'), 400, 'invalid_request'],
  ['a target without a slash', get('fn/default/x/'), 400, 'invalid_request'],
  ['bytes beyond ASCII in the target', get('/fn/default/x/\xff\xfe'), 400, 'invalid_request'],
  ['backslashes', get('/fn/default/x/\\..\\..\\..\\v1/tenants/default/functions'), 400, 'invalid_request'],
  ['percent signs in a name', get('/fn/default/%zz/'), 404, 'route_not_found'],
  ['percent signs in a tenant', get('/fn/%2e%2e/x/'), 404, 'route_not_found'],
];

test.serial('each malformed request gets one clear refusal, and then the connection is closed', async (t) => {
  for (const [title, bytes, status, code] of REFUSED) {
    const received = await exchange(port, bytes);
    t.deepEqual(statuses(received), [status], `${title}: ${received.slice(0, 300)}`);
    t.is(/"code":"(\w+)"/.exec(received)?.[1], code, title);
    t.regex(received, /content-type: application\/problem\+json/i, title);
    t.regex(received, /connection: close/i, title);
  }
  await helloIsServed(t);
});

test.serial('nothing but a key opens the control plane, whatever the path looks like', async (t) => {
  const inside = '/v1/tenants/default/functions';
  const targets = [
    inside,
    `/${inside}`,
    `/fn/default/x/../../..${inside}`,
    `/fn/default/x/./../.././..${inside}`,
    `/fn/default/x/%2e%2e/%2E%2e/.%2e${inside}`,
    `/fn/default/x/..%2f..%2f..%2fv1/tenants/default/functions`,
    `/fn/default/x/..;/..;/..;${inside}`,
    `/fn/../v1/tenants/default/functions`,
    `/fn/default/x/%00/../../../..${inside}`,
    '/%76%31/tenants/default/functions',
    '/%2576%2531/tenants/default/functions',
    '/v1%2ftenants%2fdefault%2ffunctions',
    '/v1//tenants/default/functions',
    '/V1/tenants/default/functions',
    '/v1/tenants/default/functions/',
    '/v1/tenants/default/functions?key=1',
    '/v1/tenants/default/functions#',
    `http://example${inside}`,
    `https://example${inside}`,
    `http://a:b@example${inside}`,
    `http://example/fn/default/x/../../..${inside}`,
    '/healthz/../v1/tenants/default/functions',
    '/fn/default/x/../../../v1/tenants/default/functions/hello/configuration',
  ];
  const credentials = [
    '',
    'authorization: Bearer\r\n',
    'authorization: Bearer null\r\n',
    'authorization: Basic eDp5\r\n',
  ];
  for (const target of targets) {
    for (const credential of credentials) {
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const received = await exchange(
          port,
          `${method} ${target} HTTP/1.1\r\n${HOST}${CLOSE}${credential}\r\n`,
        );
        const [head = '', body = ''] = received.split('\r\n\r\n');
        const isGuests = body === TINY || (method === 'HEAD' && /mayfly-fuel/.test(head));
        if (isGuests) continue;
        t.true([400, 401, 404].includes(statuses(head)[0] ?? 0), `${method} ${target}: ${received}`);
        t.notRegex(body, /"(digest|liveVersion)"/, `${method} ${target}`);
      }
    }
  }
  t.is((await host.api('/functions')).json.length, 5, 'nothing was deleted');
});

test.serial('a path belongs to the function that is written in it, byte for byte', async (t) => {
  const seen = async (rest: string): Promise<string> => {
    const received = await exchange(port, get(`/fn/default/path${rest}`));
    return received.split('\r\n\r\n')[1] ?? '';
  };
  t.is(await seen('/a/../b'), '/a/../b');
  t.is(await seen('/%zz%f'), '/%zz%f');
  t.is(await seen('/%ff%fe'), '/%ff%fe');
  t.is(await seen('//a//b'), '//a//b');
  t.is(await seen('?x'), '/');
});

test.serial('old, rare and stubborn clients are served', async (t) => {
  const ok = async (bytes: string, expected: RegExp): Promise<void> => {
    const received = await exchange(port, bytes);
    t.regex(received, expected, bytes);
    t.is(statuses(received).at(-1), 200, bytes);
  };
  await ok('GET /fn/default/x/ HTTP/1.0\r\n\r\n', /a day/);
  await ok('POST /fn/default/hello/ HTTP/1.0\r\ncontent-length: 2\r\n\r\nhi', /"body":"hi"/);
  await ok(`OPTIONS /fn/default/hello/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, /"method":"OPTIONS"/);
  await ok(`TRACE /fn/default/hello/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`, /"method":"TRACE"/);
  await ok(
    `GET /fn/default/x/ HTTP/1.1\r\n${HOST}connection: upgrade, close\r\nupgrade: websocket\r\n\r\n`,
    /a day/,
  );
  await ok(
    post(`${CLOSE}expect: 100-continue\r\ncontent-length: 2\r\n`, 'hi'),
    /^HTTP\/1\.1 100 .*"body":"hi"/s,
  );
  await ok(get('http://elsewhere/fn/default/x/'), /a day/);
  const head = await exchange(port, `HEAD /fn/default/x/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
  t.is(statuses(head)[0], 200);
  t.is(head.split('\r\n\r\n')[1], '', 'a HEAD has no body');
  const missing = await exchange(port, `HEAD /fn/default/nobody/ HTTP/1.1\r\n${HOST}${CLOSE}\r\n`);
  t.is(statuses(missing)[0], 404);
  t.is(missing.split('\r\n\r\n')[1], '');
});

test.serial('pipelined requests are answered in order, and one that is malformed ends them', async (t) => {
  const one = (i: number): string => `GET /fn/default/hello/${i} HTTP/1.1\r\n${HOST}\r\n`;
  const received = await exchange(
    port,
    Array.from({ length: 20 }, (_, i) => one(i)).join('') + get('/fn/default/x/'),
  );
  t.deepEqual(
    statuses(received),
    Array.from({ length: 21 }, () => 200),
  );
  const paths = [...received.matchAll(/"path":"\/(\d+)"/g)].map((match) => Number(match[1]));
  t.deepEqual(
    paths,
    Array.from({ length: 20 }, (_, i) => i),
  );
  // Whatever is answered of it, nothing is answered twice or out of place.
  const broken = await exchange(port, one(1) + one(2) + post('content-length: x\r\n', ''));
  t.true(statuses(broken).length <= 3, broken);
  t.regex(broken, /^(HTTP\/1\.1 (200|400) |$)/);
});

test.serial('a request hidden in the body of another is never answered', async (t) => {
  const hidden = `GET /healthz HTTP/1.1\r\n${HOST}\r\n`;
  const shapes = [
    post(`content-length: ${hidden.length}\r\n${CLOSE}`, hidden),
    post(`transfer-encoding: chunked\r\n${CLOSE}`, `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`),
    post(`content-length: 6\r\ntransfer-encoding: chunked\r\n`, `0\r\n\r\n${hidden}`),
    // To a function that is not there, and one that does not read its body.
    post(`content-length: ${hidden.length}\r\n`, hidden, '/fn/default/nobody/'),
    post(`content-length: ${hidden.length}\r\n${CLOSE}`, hidden, '/fn/default/x/'),
  ];
  for (const shape of shapes) {
    const connection = await RawConnection.open(port);
    void connection.send(shape);
    await connection.until(/HTTP\/1\.1 \d+.*\r\n\r\n/s).catch(() => '');
    // The next request on the connection comes after it, or the connection is closed.
    void connection.send(get('/fn/default/x/'));
    const received = await connection.closed();
    t.notRegex(received, /"status":"ok"/, shape);
  }
});

test.serial(
  'five hundred connections that say nothing, or half of something, keep nobody waiting',
  async (t) => {
    const idle = await Promise.all(Array.from({ length: 500 }, () => RawConnection.open(port)));
    await Promise.all(
      idle.map(async (connection, i) => {
        if (i % 2 === 0) return;
        await connection.send(
          i % 4 === 1
            ? 'GET /fn/default/x/ HT'
            : post('content-length: 1000000\r\n', 'x', '/fn/default/held/'),
        );
      }),
    );
    // Every fourth holds an invocation open, more than the function's concurrency. A call of ours may have had a
    // place while the last of them were refused: each one that is served is followed by one more to hold.
    for (let i = 0; (await host.call('held')).status !== 429; i++) {
      t.true(i < 125, 'the function never fills up');
      const more = await RawConnection.open(port);
      idle.push(more);
      await more.send(post('content-length: 1000000\r\n', 'x', '/fn/default/held/'));
    }
    for (let i = 0; i < 20; i++) await helloIsServed(t);
    t.is((await host.request('/healthz')).status, 200);
    for (const connection of idle) connection.destroy();
    await Promise.all(idle.map((connection) => connection.closed()));
    while ((await host.call('held')).status === 429);
    t.is((await host.call('held')).status, 200);
  },
);

test.serial('readers that do not read cost the host no memory, and keep nobody waiting', async (t) => {
  const before = process.memoryUsage().rss;
  const slow = await Promise.all(Array.from({ length: 20 }, () => RawConnection.open(port)));
  for (const connection of slow) {
    connection.socket.pause();
    await connection.send(get('/fn/default/producer/90'));
  }
  for (let i = 0; i < 50; i++) await helloIsServed(t);
  const grown = process.memoryUsage().rss - before;
  t.true(grown < 300 * 2 ** 20, `${(grown / 2 ** 20).toFixed(0)} MiB for 1,800 MiB of answers`);
  for (const connection of slow) connection.destroy();
  await helloIsServed(t);
  t.deepEqual(host.reports, []);
});
