import test from 'ava';
import { type ErrorCode, MayflyError } from '../../../host/errors/errors.ts';
import type { WasiContext } from '../../../host/wasi/context.ts';
import { serveIncoming } from '../../../host/wasi/http/serve-incoming-0.2.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { buildWatGuest, type Guest } from './support/component.ts';
import { createTestContext } from './support/context.ts';
import { type ExchangeOptions, TestExchange } from './support/exchange.ts';
import { PatternSource } from './support/pattern-source.ts';
import { barrierOfTwo, Upstream } from './support/upstream.ts';

let guest: Guest;

test.before('build the guest', async () => {
  guest = await buildWatGuest();
});

test.after.always(() => guest.stop());

async function start(
  options: ExchangeOptions,
  context: WasiContext = createTestContext(),
): Promise<{ readonly exchange: TestExchange; readonly done: Promise<unknown> }> {
  const handle = await guest.handler(context);
  const exchange = new TestExchange(options);
  const done = serveIncoming(
    async (request, out) => void (await handle(request, out)),
    exchange,
    context,
  ).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { exchange, done };
}

async function call(
  options: ExchangeOptions,
  context?: WasiContext,
): Promise<{ status: number | undefined; answer: string }> {
  const { exchange, done } = await start(options, context);
  const answer = await exchange.text();
  const error = await done;
  if (error !== undefined) throw error;
  return { status: exchange.status, answer };
}

test('a guest answers', async (t) => {
  t.deepEqual(await call({ path: '/h' }), { status: 200, answer: 'hello' });
});

test('16 MiB pass through a guest in both directions with flat memory', async (t) => {
  const total = 16 * 1024 * 1024;
  const source = new PatternSource(total);
  const { exchange, done } = await start({ method: 'POST', path: '/e', body: source });
  let received = 0;
  let mostAhead = 0;
  for await (const chunk of exchange.chunks()) {
    if (chunk[0] !== PatternSource.byteAt(received)) t.fail(`byte ${received} is wrong`);
    received += chunk.length;
    mostAhead = Math.max(mostAhead, source.taken - received);
  }
  t.is(await done, undefined);
  t.is(received, total);
  t.true(mostAhead <= 256 * 1024, `${mostAhead} bytes were held at once`);
});

test('a guest that waits for its body goes on when it comes', async (t) => {
  const pipe = new BytePipe();
  const { exchange, done } = await start({ method: 'POST', path: '/e', body: pipe.source });
  const chunks = exchange.chunks();
  for (const part of ['one', 'two', 'three']) {
    pipe.sink.write(Buffer.from(part));
    t.is(Buffer.from((await chunks.next()).value!).toString(), part);
  }
  pipe.sink.end();
  t.true((await chunks.next()).done);
  t.is(await done, undefined);
});

/** What the guest does wrong, the code that names it, and whether a response had begun. */
const FAILURES: readonly (readonly [
  path: string,
  code: ErrorCode,
  message: RegExp,
  status: number | undefined,
])[] = [
  ['/x', 'function_failed', /connection-refused/, undefined],
  ['/n', 'no_response', /response-outparam/, undefined],
  ['/u', 'response_invalid', /before finishing/, 200],
  ['/d', 'response_invalid', /dropped/, 200],
  ['/s', 'response_invalid', /HTTP-response-body-size \(5\)/, 200],
  ['/o', 'response_invalid', /HTTP-response-body-size \(5\)/, 200],
];

for (const [path, code, message, status] of FAILURES) {
  test(`${path} fails with ${code}, and no response looks complete`, async (t) => {
    const { exchange, done } = await start({ path });
    const error = await done;
    t.true(error instanceof MayflyError, String(error));
    t.is((error as MayflyError).code, code);
    t.regex((error as MayflyError).message, message);
    t.is(exchange.status, status);
    if (status !== undefined) await t.throwsAsync(exchange.text(), { message });
  });
}

test('two requests of one guest are in flight together', async (t) => {
  await using upstream = new Upstream(barrierOfTwo());
  const authority = await upstream.listen();
  t.is((await call({ path: `/f${authority}` }, upstream.context(authority))).answer, '/1/2');
});

test('a denied and a prohibited destination come back as their error-codes', async (t) => {
  await using upstream = new Upstream((_request, response) => void response.end('reached'));
  const authority = await upstream.listen();
  // Letters from A by the case of error-code: 15 is HTTP-request-denied, 4 destination-IP-prohibited.
  t.is((await call({ path: `/f${authority}` }, upstream.context())).answer, 'PP');
  t.is((await call({ path: `/f${authority}` }, upstream.context('*'))).answer, 'EE');
});

test('a forbidden field is the case `forbidden` of header-error', async (t) => {
  t.is((await call({ path: '/k' })).answer, '1');
});
