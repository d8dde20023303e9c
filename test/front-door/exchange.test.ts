/** One exchange over a real socket, with the test in the place of the engine. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { type ErrorCode, MayflyError } from '../../host/errors/errors.ts';
import { NodeExchange } from '../../host/front-door/exchange.ts';
import { HOLD_MS } from '../../host/front-door/response-sink.ts';
import { DelayQueue } from '../../host/instance/delay-queue.ts';
import { defaultConfiguration, type FunctionConfiguration } from '../../host/model/function-configuration.ts';
import type { InvocationId } from '../../host/model/ids.ts';
import type { ByteSink } from '../../host/wasi/io/bytes.ts';

const LATE = [['mayfly-fuel', '7']] as const;
const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

interface Engine {
  readonly exchange: NodeExchange;
  readonly terminated: ErrorCode[];
}

/** Serves one raw request with `handle` and gives everything the server sent. */
async function serve(
  t: ExecutionContext,
  request: string,
  handle: (engine: Engine) => void | Promise<void>,
  configuration: Partial<FunctionConfiguration> = {},
): Promise<string> {
  const failures: unknown[] = [];
  const server = createServer((incoming: IncomingMessage, outgoing: ServerResponse) => {
    const terminated: ErrorCode[] = [];
    void (async () => {
      const exchange = new NodeExchange({
        incoming,
        outgoing,
        invocationId: '0197' as InvocationId,
        configuration: { ...defaultConfiguration(), ...configuration },
        method: incoming.method ?? '',
        pathWithQuery: incoming.url ?? '',
        hidden: new Set(['authorization', 'x-hidden']),
        hold: new DelayQueue(HOLD_MS),
        terminate: (code, detail) => {
          terminated.push(code);
          return new MayflyError(code, detail);
        },
      });
      await handle({ exchange, terminated });
    })().catch((error: unknown) => {
      failures.push(error);
      outgoing.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const socket = connect((server.address() as { port: number }).port, '127.0.0.1');
  socket.write(request);
  let answer = '';
  for await (const chunk of socket) answer += (chunk as Buffer).toString('latin1');
  t.deepEqual(failures, []);
  return answer;
}

const GET = 'GET /x HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n';

function write(sink: ByteSink, text: string): void {
  sink.write(bytes(text));
}

test('a short answer goes out in one piece, with its length and what it cost', async (t) => {
  const answer = await serve(t, GET, ({ exchange }) => {
    const sink = exchange.respond(201, [
      ['x-a', bytes('1')],
      ['x-a', bytes('2')],
    ]);
    write(sink, 'hel');
    write(sink, 'lo');
    sink.end();
    t.is(exchange.finish(LATE), undefined);
  });
  t.regex(answer, /^HTTP\/1\.1 201 /);
  t.regex(answer, /content-length: 5\r\n/);
  t.regex(answer, /mayfly-fuel: 7\r\n/);
  t.regex(answer, /x-a: 1\r\nx-a: 2\r\n/);
  t.true(answer.endsWith('\r\n\r\nhello'));
});

test('a long answer streams, and what it cost follows as a trailer', async (t) => {
  const answer = await serve(t, GET, async ({ exchange }) => {
    const sink = exchange.respond(200, []);
    for (let i = 0; i < 40; i++) {
      if (!sink.isReady()) await sink.ready();
      write(sink, 'x'.repeat(4_000));
    }
    sink.end();
    t.is(exchange.finish(LATE), undefined);
  });
  t.regex(answer, /transfer-encoding: chunked/i);
  t.regex(answer, /trailer: mayfly-fuel/i);
  t.regex(answer, /\r\n0\r\nmayfly-fuel: 7\r\n/);
});

test('a failure before the head is out is answered as a problem, whatever the guest began to say', async (t) => {
  const answer = await serve(t, GET, ({ exchange }) => {
    write(exchange.respond(200, [['x-secret', bytes('1')]]), 'half an ans');
    exchange.fail(new MayflyError('function_trapped', 'unreachable'), LATE);
  });
  t.regex(answer, /^HTTP\/1\.1 502 /);
  t.regex(answer, /"code":"function_trapped"/);
  t.false(answer.includes('half'));
  t.false(answer.includes('x-secret'));
});

test('a failure after the head is out breaks the connection off', async (t) => {
  const answer = await serve(t, GET, async ({ exchange }) => {
    const sink = exchange.respond(200, []);
    write(sink, 'x'.repeat(70_000));
    await sink.flushed();
    exchange.fail(new MayflyError('function_trapped', 'unreachable'), LATE);
  }).catch((error: NodeJS.ErrnoException) => {
    t.is(error.code, 'ECONNRESET');
    return '';
  });
  t.false(answer.endsWith('0\r\n\r\n'), 'the body is not closed as if it were whole');
});

test('a body longer than its declared length ends the invocation, a shorter one is no answer', async (t) => {
  const longer = await serve(t, GET, ({ exchange, terminated }) => {
    const sink = exchange.respond(200, [['content-length', bytes('3')]]);
    t.throws(() => write(sink, 'four'), { instanceOf: MayflyError });
    t.deepEqual(terminated, ['response_invalid']);
    exchange.fail(new MayflyError('response_invalid', 'x'), LATE);
  });
  t.regex(longer, /"code":"response_invalid"/);
  const shorter = await serve(t, GET, ({ exchange }) => {
    const sink = exchange.respond(200, [['content-length', bytes('5')]]);
    write(sink, 'four');
    sink.end();
    const error = exchange.finish(LATE);
    t.is(error?.code, 'no_response');
    exchange.fail(error!, LATE);
  });
  t.regex(shorter, /^HTTP\/1\.1 502 /);
});

for (const value of ['x', '-1', '1e3', '0x10', '5, 5', '', '99999999999999999999']) {
  test(`Content-Length '${value}' is refused`, async (t) => {
    await serve(t, GET, ({ exchange }) => {
      const error = t.throws(() => exchange.respond(200, [['content-length', bytes(value)]]), {
        instanceOf: MayflyError,
      });
      t.is(error.code, 'response_invalid');
      exchange.fail(error, LATE);
    });
  });
}

for (const status of [0, 99, 100, 101, 103, 600, 1_000, Number.NaN]) {
  test(`status ${status} is refused`, async (t) => {
    await serve(t, GET, ({ exchange }) => {
      const error = t.throws(() => exchange.respond(status, []), { instanceOf: MayflyError });
      t.is(error.code, 'response_invalid');
      exchange.fail(error, LATE);
    });
  });
}

for (const [name, value] of [
  ['x-a', 'b\r\nset-cookie: c'],
  ['x-a', 'b\nc'],
  ['x-a', 'b\0'],
  ['x a', 'b'],
  ['x:a', 'b'],
  ['', 'b'],
] as const) {
  test(`the header ${JSON.stringify(name)}: ${JSON.stringify(value)} is refused`, async (t) => {
    await serve(t, GET, ({ exchange }) => {
      const error = t.throws(() => exchange.respond(200, [[name, bytes(value)]]), {
        instanceOf: MayflyError,
      });
      t.is(error.code, 'response_invalid');
      exchange.fail(error, LATE);
    });
  });
}

test("fields of the connection and of the host are not the guest's to set", async (t) => {
  const answer = await serve(t, GET, ({ exchange }) => {
    const sink = exchange.respond(200, [
      ['Transfer-Encoding', bytes('chunked')],
      ['Connection', bytes('keep-alive')],
      ['mayfly-fuel', bytes('0')],
      ['x-mine', bytes('yes')],
    ]);
    sink.end();
    exchange.finish(LATE);
  });
  t.false(/transfer-encoding/i.test(answer));
  t.regex(answer, /mayfly-fuel: 7/);
  t.regex(answer, /x-mine: yes/);
  t.regex(answer, /connection: close/i);
});

test("the guest sees the caller's headers in order, without hop-by-hop and hidden ones", async (t) => {
  await serve(
    t,
    'POST /x HTTP/1.1\r\nHost: a:1\r\nX-B: 2\r\nX-A: 1\r\nX-B: 3\r\nTE: trailers\r\nAuthorization: Bearer k\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
    ({ exchange }) => {
      t.deepEqual(
        exchange.headers.map(([name, value]) => `${name}=${Buffer.from(value)}`),
        ['host=a:1', 'x-b=2', 'x-a=1', 'x-b=3', 'content-length=0'],
      );
      t.is(exchange.authority, 'a:1');
      exchange.respond(200, []).end();
      exchange.finish(LATE);
    },
  );
});

test('the body is read piece by piece to its end, and trailers follow', async (t) => {
  const request =
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: x-t\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nx-t: end\r\n\r\n';
  await serve(t, request, async ({ exchange }) => {
    let text = '';
    for (;;) {
      const chunk = exchange.body.read(3);
      if (chunk === 'end') break;
      t.true(chunk.length <= 3);
      text += Buffer.from(chunk).toString();
      if (chunk.length === 0) await exchange.body.ready();
    }
    t.is(text, 'hello world');
    t.is(exchange.body.bytes, 11);
    t.deepEqual(
      (await exchange.trailers()).map(([name, value]) => `${name}=${Buffer.from(value)}`),
      ['x-t=end'],
    );
    exchange.respond(204, []).end();
    exchange.finish(LATE);
  });
});

test('trailers that only a head may have do not reach the guest, nor those that are hidden from it', async (t) => {
  const trailers =
    'Cache-Control: no-store\r\nX-T: 1\r\nTE: x\r\nX-Hidden: k\r\nContent-Type: text/html\r\nX-T: 2\r\n';
  const request = `POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${trailers}\r\n`;
  await serve(t, request, async ({ exchange }) => {
    await exchange.body.ready();
    t.is(exchange.body.read(1), 'end');
    t.deepEqual(
      (await exchange.trailers()).map(([name, value]) => `${name}=${Buffer.from(value)}`),
      ['x-t=1', 'x-t=2'],
    );
    exchange.respond(204, []).end();
    exchange.finish(LATE);
  });
});

const BAD_TRAILERS: readonly (readonly [name: string, bytes: number, code: ErrorCode])[] = [
  ['Content-Length', 1, 'response_invalid'],
  ['set-cookie', 1, 'response_invalid'],
  ['Content-Encoding', 1, 'response_invalid'],
  ['x', 40_000, 'response_headers_too_large'],
];

for (const [name, length, code] of BAD_TRAILERS) {
  test(`a guest's trailer that may not be one ends the invocation: ${name}`, async (t) => {
    const answer = await serve(
      t,
      GET,
      ({ exchange, terminated }) => {
        exchange.respond(200, []).end();
        exchange.sendTrailers([[name, new Uint8Array(length).fill(0x31)]]);
        t.deepEqual(terminated, [code]);
        exchange.fail(new MayflyError(code, 'x'), LATE);
      },
      { headerBytes: 32_768 },
    );
    t.regex(answer, /^HTTP\/1.1 502 /);
  });
}

test('a body over the limit ends the invocation while it streams', async (t) => {
  const request =
    'POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
  await serve(
    t,
    request,
    async ({ exchange, terminated }) => {
      await exchange.body.ready();
      t.throws(() => exchange.body.read(100), { instanceOf: MayflyError });
      t.deepEqual(terminated, ['request_too_large']);
      exchange.fail(new MayflyError('request_too_large', 'x'), LATE);
    },
    { requestBytes: 4 },
  );
});

test('an answer to HEAD has a head only', async (t) => {
  const answer = await serve(t, GET.replace('GET', 'HEAD'), ({ exchange }) => {
    const sink = exchange.respond(200, [['content-length', bytes('5')]]);
    write(sink, 'hello');
    sink.end();
    t.is(exchange.finish(LATE), undefined);
  });
  t.regex(answer, /content-length: 5\r\n/);
  t.true(answer.endsWith('\r\n\r\n'));
});

test('a second response is refused', async (t) => {
  await serve(t, GET, ({ exchange }) => {
    exchange.respond(200, []).end();
    t.throws(() => exchange.respond(200, []), { instanceOf: MayflyError });
    exchange.finish(LATE);
  });
});

test('what only the host may say of a response is left out where a function says it', async (t) => {
  const answer = await serve(t, GET, ({ exchange }) => {
    const sink = exchange.respond(200, [
      ['Service-Worker-Allowed', bytes('/')],
      ['mayfly-fuel', bytes('1')],
      ['x-a', bytes('1')],
    ]);
    sink.end();
    t.is(exchange.finish(LATE), undefined);
  });
  t.notRegex(answer, /service-worker-allowed/i);
  t.deepEqual(answer.match(/mayfly-fuel: \d+/g), ['mayfly-fuel: 7']);
  t.regex(answer, /x-a: 1\r\n/);
});
