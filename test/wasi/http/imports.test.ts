import test from 'ava';
import { type ErrorCode, MayflyError } from '../../../host/errors/errors.ts';
import type { OutboundHttp, OutboundRequest, WasiContext } from '../../../host/wasi/context.ts';
import { sendRequest } from '../../../host/wasi/http/client-0.3.ts';
import { OutboundError } from '../../../host/wasi/http/error-code.ts';
import { Fields as Fields02 } from '../../../host/wasi/http/fields-0.2.ts';
import { Fields } from '../../../host/wasi/http/fields-0.3.ts';
import { FieldsBudget } from '../../../host/wasi/http/fields-budget.ts';
import { HTTP_INTERFACES } from '../../../host/wasi/http/imports.ts';
import { IncomingBody } from '../../../host/wasi/http/incoming-body-0.2.ts';
import { MessageBody } from '../../../host/wasi/http/message-body-0.3.ts';
import { sendForFuture } from '../../../host/wasi/http/outbound-mayfly.ts';
import { OutgoingRequest } from '../../../host/wasi/http/outgoing-request-0.2.ts';
import { Request } from '../../../host/wasi/http/request-0.3.ts';
import { RequestOptions } from '../../../host/wasi/http/request-options-0.3.ts';
import { EMPTY_SOURCE } from '../../../host/wasi/io/buffer-source.ts';
import type { ByteSource } from '../../../host/wasi/io/bytes.ts';
import { lazyImports } from '../../../host/wasi/lazy-imports.ts';
import { createTestContext } from './support/context.ts';

const createHttpImports = lazyImports(HTTP_INTERFACES);

const received = Promise.resolve({ tag: 'ok', val: undefined } as const);
const noTrailers = Promise.resolve({ tag: 'ok', val: undefined } as const);

/** A guest's stream of so many chunks. */
function streamOf(...chunks: string[]): {
  read: () => Promise<{ value: Uint8Array | undefined; done: boolean }>;
} {
  return {
    read: () => {
      const chunk = chunks.shift();
      return Promise.resolve({
        value: chunk === undefined ? undefined : Buffer.from(chunk),
        done: chunk === undefined,
      });
    },
  };
}

async function readAll(source: ByteSource | undefined): Promise<string | undefined> {
  if (source === undefined) return undefined;
  let text = '';
  for (;;) {
    const chunk = source.read(1024);
    if (chunk === 'end') return text;
    text += Buffer.from(chunk).toString();
    if (chunk.length === 0) await source.ready();
  }
}

/** Reads what it is sent whole, then answers 200, or fails with the given error. */
class Recorder implements OutboundHttp {
  readonly requests: OutboundRequest[] = [];
  readonly bodies: (string | undefined)[] = [];
  failure: OutboundError | undefined;

  async send(request: OutboundRequest): ReturnType<OutboundHttp['send']> {
    this.requests.push(request);
    if (this.failure !== undefined) throw this.failure;
    this.bodies.push(await readAll(request.body));
    return { status: 200, headers: [], body: EMPTY_SOURCE, trailers: () => Promise.resolve([]) };
  }
}

function requestTo(authority: string, ...chunks: string[]): ReturnType<typeof Request.new> {
  const options = new RequestOptions();
  options.setConnectTimeout(1_500_000n);
  options.setBetweenBytesTimeout(2_000_000_000n);
  const made = Request.new(
    new Fields(),
    chunks.length === 0 ? undefined : streamOf(...chunks),
    noTrailers,
    options,
  );
  made[0].setAuthority(authority);
  made[0].setScheme({ tag: 'HTTP' });
  return made;
}

test('one set of imports serves every version, with the same classes in every invocation', (t) => {
  const one = createHttpImports(createTestContext());
  const two = createHttpImports(createTestContext());
  t.deepEqual(Object.keys(HTTP_INTERFACES), [
    'wasi:http/types',
    'wasi:http/outgoing-handler',
    'wasi:http/types@0.3',
    'wasi:http/client@0.3',
    'mayfly:http/messages',
    'mayfly:http/outbound',
  ]);
  for (const key of ['wasi:http/types', 'wasi:http/types@0.3']) {
    const classes = ['Fields', ...Object.keys(Object.getPrototypeOf(one[key]) as object)];
    t.true(classes.length >= 4);
    for (const name of classes) {
      if (name === 'httpErrorCode') continue;
      const value = one[key]![name];
      t.is((value as typeof Fields).prototype, (two[key]![name] as typeof Fields).prototype, name);
    }
  }
});

test('client#send: a request goes out as the guest made it, and its completion says so', async (t) => {
  const outbound = new Recorder();
  const [request, completion] = requestTo('example.com', 'one ', 'two');
  request.setMethod({ tag: 'post' });
  const response = await sendRequest(createTestContext(outbound), request);
  t.is(response.getStatusCode(), 200);
  t.deepEqual(outbound.bodies, ['one two']);
  const {
    method,
    scheme,
    authority,
    pathWithQuery,
    connectTimeoutMs,
    firstByteTimeoutMs,
    betweenBytesTimeoutMs,
  } = outbound.requests[0]!;
  t.deepEqual(
    [method, scheme, authority, pathWithQuery, connectTimeoutMs, firstByteTimeoutMs, betweenBytesTimeoutMs],
    ['POST', 'http', 'example.com', '/', 2, undefined, 2_000],
  );
  t.deepEqual(await completion, { tag: 'ok', val: undefined });
});

test('client#send rejects with the error-code as payload, and so does the completion', async (t) => {
  const outbound = new Recorder();
  outbound.failure = new OutboundError({ tag: 'HTTP-request-denied' });
  const [request, completion] = requestTo('example.com');
  const error = await t.throwsAsync(sendRequest(createTestContext(outbound), request), { any: true });
  t.deepEqual((error as unknown as OutboundError).payload, { tag: 'HTTP-request-denied' });
  t.deepEqual(await completion, { tag: 'err', val: { tag: 'HTTP-request-denied' } });
});

test('outbound#send never rejects: its future holds a result', async (t) => {
  const outbound = new Recorder();
  outbound.failure = new OutboundError({ tag: 'connection-refused' });
  const failed = await sendForFuture(createTestContext(outbound), requestTo('example.com')[0]);
  t.deepEqual(failed, { tag: 'err', val: { tag: 'connection-refused' } });
  const [withoutAuthority] = Request.new(new Fields(), undefined, noTrailers, undefined);
  const invalid = await sendForFuture(createTestContext(outbound), withoutAuthority);
  t.deepEqual(invalid, { tag: 'err', val: { tag: 'HTTP-request-URI-invalid' } });
});

test('a request whose trailers report an error is not sent as complete', async (t) => {
  const outbound = new Recorder();
  const failed = Promise.resolve({ tag: 'err', val: { tag: 'loop-detected' } } as const);
  const [request] = Request.new(new Fields(), streamOf('half'), failed, undefined);
  request.setAuthority('example.com');
  t.deepEqual(await sendForFuture(createTestContext(outbound), request), {
    tag: 'err',
    val: { tag: 'loop-detected' },
  });
});

test('options of a request are immutable, those of the guest are not', (t) => {
  const [request] = requestTo('example.com');
  const options = request.getOptions()!;
  t.is(options.getConnectTimeout(), 1_500_000n);
  t.throws(() => options.setConnectTimeout(1n), { any: true });
  const copy = options.clone();
  copy.setConnectTimeout(1n);
  t.is(copy.getConnectTimeout(), 1n);
});

test('a request that is dropped unsent lets go of its body and says so', async (t) => {
  let disposed = false;
  const stream = Object.assign(streamOf('x'), {
    [Symbol.dispose]: () => {
      disposed = true;
    },
  });
  const [request, completion] = Request.new(new Fields(), stream, noTrailers, undefined);
  request[Symbol.dispose]();
  t.true(disposed);
  t.is((await completion).tag, 'err');
});

test('fields that a guest makes are charged to its invocation, clones and views included', (t) => {
  const context = createTestContext();
  for (const key of ['wasi:http/types', 'wasi:http/types@0.3'] as const) {
    const { Fields: Bound } = createHttpImports({ ...context })[key] as { readonly Fields: typeof Fields };
    const first = Bound.fromList([['x', new Uint8Array(1024 * 1024 - 1).fill(97)]]);
    t.true(first instanceof Bound && new Bound() instanceof Bound);
    const kept: unknown[] = [];
    const error = t.throws(
      () => {
        for (let count = 0; count < 100; count += 1) kept.push(first.clone());
      },
      { instanceOf: MayflyError },
    );
    t.is(error?.code, 'function_trapped');
    t.is(kept.length, 62);
    const types = createHttpImports({ ...context })[key] as Record<string, (list?: unknown) => Fields>;
    const linked = types['[static]fields.from-list']!([['x', new Uint8Array(1024 * 1024 - 1).fill(97)]]);
    t.true(linked instanceof Bound && types['[constructor]fields']!() instanceof Bound);
    t.throws(() => Array.from({ length: 64 }, () => linked.clone()), { instanceOf: MayflyError });
  }
});

test('what a guest says in request lines is charged like fields: it may hold as many requests as handles', (t) => {
  const text = 'x'.repeat(2 ** 20);
  const parts: readonly ((request: OutgoingRequest | Request) => void)[] = [
    (request) => request.setMethod({ tag: 'other', val: text }),
    (request) => request.setScheme({ tag: 'other', val: text }),
    (request) => request.setAuthority(text),
    (request) => request.setPathWithQuery(text),
  ];
  for (const set of parts) {
    const budget = FieldsBudget.of(createTestContext());
    const made = (): (OutgoingRequest | Request)[] => [
      new OutgoingRequest(new (Fields02.boundTo(budget))()),
      Request.new(new (Fields.boundTo(budget))(), undefined, noTrailers, undefined)[0],
    ];
    const error = t.throws(
      () => {
        for (let i = 0; i < 20; i++) for (const request of made()) set(request);
      },
      { instanceOf: MayflyError },
    );
    t.regex(error.message, /more than \d+ bytes of HTTP fields/);
  }
});

test('fields from a wire are charged with their bytes, before a body and behind it', async (t) => {
  const list = [['x', new Uint8Array(2 ** 20)]] as const;
  const message = { body: EMPTY_SOURCE, trailers: () => Promise.resolve(list) };
  const takes: readonly ((context: WasiContext) => unknown)[] = [
    (context) => Fields02.fromWire(list, FieldsBudget.of(context)),
    (context) => Fields.fromWire(list, FieldsBudget.of(context)),
    async (context) => {
      const trailers = IncomingBody.finish(IncomingBody.of(message, context));
      await trailers.subscribe().block();
      t.true(trailers.get() !== undefined);
    },
    async (context) => {
      const [stream, trailers] = MessageBody.fromWire(message, context).consume(received);
      t.true((await stream.next()).done);
      await trailers;
    },
  ];
  for (const take of takes) {
    const ended: string[] = [];
    const context = createTestContext();
    const terminate = (code: ErrorCode, detail: string): Error => {
      ended.push(detail);
      return new MayflyError(code, detail);
    };
    const counted = Object.assign(context, { terminate });
    for (let i = 0; i < 63; i++) await take(counted);
    t.deepEqual(ended, []);
    await Promise.resolve(counted)
      .then(take)
      .catch(() => {});
    t.is(ended.length, 1);
    t.regex(ended[0]!, /bytes of HTTP fields/);
  }
});
