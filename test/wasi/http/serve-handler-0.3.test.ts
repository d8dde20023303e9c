import test from 'ava';
import { MayflyError } from '../../../host/errors/errors.ts';
import type { WasiContext } from '../../../host/wasi/context.ts';
import { serveHandler } from '../../../host/wasi/http/serve-handler-0.3.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { loadLinkedGuest } from '../../component/linked-guest.ts';
import { buildQuickJsComponent, type Guest, loadGuest } from './support/component.ts';
import { createTestContext } from './support/context.ts';
import { type ExchangeOptions, TestExchange } from './support/exchange.ts';
import { PatternSource } from './support/pattern-source.ts';
import { barrierOfTwo, Upstream } from './support/upstream.ts';

/** One guest for all tests: the path says what it does. */
const SOURCE = `
const routes = {
  async '/hello'() {
    return respond(200, [['content-type', bytes('text/plain')]], [bytes('hello')]);
  },
  async '/empty'() {
    return respond(204, [], null);
  },
  async '/request'(request) {
    const seen = [request.getMethod(), request.getScheme(), request.getAuthority(), request.getPathWithQuery()];
    const headers = request.getHeaders().copyAll().map(([name, value]) => [name, text(value)]);
    return respond(200, [], [bytes(JSON.stringify([...seen, headers]))]);
  },
  async '/echo'(request) {
    const [body] = Request.consumeBody(request, received());
    return respond(200, [], body);
  },
  async '/hand-through'(request) {
    const [body, trailers] = Request.consumeBody(request, received());
    const [response] = Response.new(new Fields(), body, trailers);
    return response;
  },
  async '/trailers'(request) {
    const [body, trailers] = Request.consumeBody(request, received());
    await readAll(body);
    const result = await trailers.read();
    return respond(200, [], [result.val.get('x-sum')[0]]);
  },
  async '/sends-trailers'() {
    const trailers = wit.Future.from({ tag: 'ok', val: Fields.fromList([['x-sum', bytes('1')]]) }, TRAILERS);
    return respond(200, [], [bytes('body')], trailers.readable);
  },
  async '/trailers-error'() {
    const trailers = wit.Future.from({ tag: 'err', val: { tag: 'internal-error', val: 'half-way' } }, TRAILERS);
    return respond(200, [], [bytes('half')], trailers.readable);
  },
  async '/error'() {
    throw { tag: 'HTTP-response-timeout' };
  },
  async '/trap'() {
    throw new Error('a bug');
  },
  async '/short'() {
    return respond(200, [['content-length', bytes('10')]], [bytes('short')]);
  },
  async '/long'() {
    return respond(200, [['content-length', bytes('2')]], [bytes('long')]);
  },
  async '/forbidden'() {
    const caught = [];
    for (const [name, value] of [['host', 'x'], ['a b', 'x'], ['x', 'a\\nb']]) {
      try { Fields.fromList([[name, bytes(value)]]); } catch (error) { caught.push(error.tag ?? error.payload?.tag); }
    }
    try { respond(200, [], null).getHeaders().append('x', bytes('y')); } catch (error) { caught.push(error.tag ?? error.payload?.tag); }
    return respond(200, [], [bytes(caught.join())]);
  },
  async '/slow-writer'() {
    const { readable, writable } = wit.Stream(wit.Stream.U8);
    (async () => {
      for (let n = 0; n < 5; n += 1) await writable.writeAll(bytes('chunk' + n + ' '));
      writable.drop();
    })();
    const [response] = Response.new(new Fields(), readable, noTrailers());
    return response;
  },
  async '/endless'() {
    const { readable, writable } = wit.Stream(wit.Stream.U8);
    const block = new Uint8Array(65536).fill(97);
    (async () => { while ((await writable.write(block)) > 0) {} writable.drop(); })();
    const [response] = Response.new(new Fields(), readable, noTrailers());
    return response;
  },
  async '/fetch'(request) {
    const urls = text(request.getHeaders().get('x-urls')[0]).split(' ');
    const results = await Promise.all(urls.map((url) => get(url)));
    const texts = await Promise.all(results.map(async (result) => {
      if (result.tag === 'err') return result.val.tag;
      const [body] = Response.consumeBody(result.val, received());
      return result.val === undefined ? '' : await readAll(body);
    }));
    return respond(200, [], [bytes(texts.join())]);
  },
  async '/upload'(request) {
    const url = text(request.getHeaders().get('x-urls')[0]);
    const [body] = Request.consumeBody(request, received());
    const result = await get(url, 'post', body);
    if (result.tag === 'err') return respond(502, [], [bytes(result.val.tag)]);
    const [answer] = Response.consumeBody(result.val, received());
    return respond(200, [], [bytes(await readAll(answer))]);
  },
  async '/upload-late'(request) {
    const { readable, writable } = wit.Stream(wit.Stream.U8);
    const pending = get(text(request.getHeaders().get('x-urls')[0]), 'post', readable);
    await writable.writeAll(bytes('x'));
    const result = await pending;
    const block = new Uint8Array(262144);
    for (let n = 0; n < 16; n += 1) await writable.writeAll(block);
    writable.drop();
    const [body] = Response.consumeBody(result.val, received());
    return respond(200, [], [bytes(await readAll(body))]);
  },
  async '/proxy'(request) {
    const result = await get(text(request.getHeaders().get('x-urls')[0]));
    return result.val;
  },
};
export const handler = {
  async handle(request) {
    return routes[request.getPathWithQuery().split('?')[0]](request);
  },
};
`;

let component: Promise<Uint8Array> | undefined;

/** Both roads run the same component. */
function buildGuest(road: 'glue' | 'linked'): Promise<Guest> {
  component ??= buildQuickJsComponent(SOURCE);
  return component.then((bytes) =>
    road === 'glue' ? loadGuest(bytes, 'wasi:http/handler@0.3.0') : loadLinkedGuest(bytes),
  );
}

for (const road of ['glue', 'linked'] as const) defineTests(road);

function defineTests(road: 'glue' | 'linked'): void {
  let guest: Guest;

  test.before(`${road}: build the guest`, async () => {
    guest = await buildGuest(road);
  });

  test.after.always(`${road}: stop the guest`, () => guest.stop());

  /** Starts the call; `done` settles as `serveHandler` does, and the response of a failed one is broken off. */
  async function start(
    options: ExchangeOptions,
    context: WasiContext = createTestContext(),
  ): Promise<{ readonly exchange: TestExchange; readonly done: Promise<unknown> }> {
    const handle = await guest.handler(context);
    const exchange = new TestExchange(options);
    const done = serveHandler(handle, exchange, context).then(
      () => undefined,
      (error: unknown) => {
        exchange.response.sink.abort(error instanceof Error ? error : new Error(String(error)));
        return error;
      },
    );
    return { exchange, done };
  }

  async function call(
    options: ExchangeOptions,
    context?: WasiContext,
  ): Promise<TestExchange & { answer: string }> {
    const { exchange, done } = await start(options, context);
    const answer = await exchange.text();
    const error = await done;
    if (error !== undefined) throw error;
    return Object.assign(exchange, { answer });
  }

  async function failureOf(options: ExchangeOptions): Promise<unknown> {
    const { done } = await start(options);
    return done;
  }

  test(`${road}: a guest answers with status, fields and body`, async (t) => {
    const exchange = await call({ path: '/hello' });
    t.is(exchange.status, 200);
    t.deepEqual(exchange.responseHeaders, ['content-type: text/plain']);
    t.is(exchange.answer, 'hello');
  });

  test(`${road}: a response without contents ends at once`, async (t) => {
    const exchange = await call({ path: '/empty' });
    t.is(exchange.status, 204);
    t.is(exchange.answer, '');
  });

  test(`${road}: a guest sees the request as it came, without connection fields`, async (t) => {
    const exchange = await call({
      method: 'BREW',
      path: '/request?q=1',
      headers: { Host: 'h', 'X-A': '1', connection: 'close' },
    });
    t.deepEqual(JSON.parse(exchange.answer), [
      { tag: 'other', val: 'BREW' },
      { tag: 'HTTP' },
      'functions.example',
      '/request?q=1',
      [['X-A', '1']],
    ]);
  });

  for (const path of ['/echo', '/hand-through']) {
    test(`${road}: ${path}: 16 MiB pass through a guest in both directions with flat memory`, async (t) => {
      const total = 16 * 1024 * 1024;
      const source = new PatternSource(total);
      const { exchange, done } = await start({ method: 'POST', path, body: source });
      let received = 0;
      let mostAhead = 0;
      for await (const chunk of exchange.chunks()) {
        for (const [index, byte] of chunk.entries()) {
          if (byte !== PatternSource.byteAt(received + index)) t.fail(`byte ${received + index} is wrong`);
        }
        received += chunk.length;
        mostAhead = Math.max(mostAhead, source.taken - received);
      }
      t.is(await done, undefined);
      t.is(received, total);
      t.true(mostAhead <= 1024 * 1024, `${mostAhead} bytes were held at once`);
    });
  }

  test(`${road}: bytes arrive while the guest is still writing`, async (t) => {
    const exchange = await call({ path: '/slow-writer' });
    t.is(exchange.answer, 'chunk0 chunk1 chunk2 chunk3 chunk4 ');
  });

  test(`${road}: a guest that writes without end is held back, and stops when the caller leaves`, async (t) => {
    const { exchange, done } = await start({ path: '/endless' });
    let received = 0;
    for await (const chunk of exchange.chunks()) {
      received += chunk.length;
      if (received >= 1024 * 1024) break;
    }
    t.true(exchange.response.bufferedBytes <= 64 * 1024);
    exchange.response.source.close();
    t.truthy(await done);
  });

  test(`${road}: trailers of the request reach the guest`, async (t) => {
    const exchange = await call({
      method: 'POST',
      path: '/trailers',
      body: 'x',
      trailers: { 'x-sum': '12' },
    });
    t.is(exchange.answer, '12');
  });

  if (road === 'glue') {
    test('glue: trailers that it loses fail the response instead of vanishing', async (t) => {
      const { exchange, done } = await start({ path: '/sends-trailers' });
      await t.throwsAsync(exchange.text(), { message: /cannot take over trailers/ });
      t.true((await done) instanceof MayflyError);
    });
  } else {
    test('linked: trailers of the guest reach the caller', async (t) => {
      const exchange = await call({ path: '/sends-trailers' });
      t.is(exchange.answer, 'body');
      t.deepEqual(exchange.responseTrailers, ['x-sum: 1']);
    });
  }

  test(`${road}: an error in the trailers breaks the response off`, async (t) => {
    const { exchange, done } = await start({ path: '/trailers-error' });
    await t.throwsAsync(exchange.text(), { message: /internal-error \(half-way\)/ });
    const error = await done;
    t.true(error instanceof MayflyError && error.code === 'function_failed', String(error));
  });

  test(`${road}: an error-code instead of a response names itself`, async (t) => {
    const error = await failureOf({ path: '/error' });
    t.true(error instanceof MayflyError && error.code === 'function_failed', String(error));
    t.regex(String(error), /HTTP-response-timeout/);
  });

  test(`${road}: a trap stays a trap`, async (t) => {
    t.true((await failureOf({ path: '/trap' })) instanceof WebAssembly.RuntimeError);
  });

  for (const path of ['/short', '/long']) {
    test(`${road}: ${path}: a body of another length than declared never looks complete`, async (t) => {
      const { exchange, done } = await start({ path });
      await t.throwsAsync(exchange.text());
      const error = await done;
      t.true(error instanceof MayflyError && error.code === 'response_invalid', String(error));
    });
  }

  test(`${road}: header rules reach the guest as the cases of header-error`, async (t) => {
    t.is((await call({ path: '/forbidden' })).answer, 'forbidden,invalid-syntax,invalid-syntax,immutable');
  });

  test(`${road}: two requests of one guest are in flight together`, async (t) => {
    await using upstream = new Upstream(barrierOfTwo());
    const authority = await upstream.listen();
    const urls = `http://${authority}/one http://${authority}/two`;
    const exchange = await call({ path: '/fetch', headers: { 'x-urls': urls } }, upstream.context(authority));
    t.is(exchange.answer, '/one,/two');
  });

  test(`${road}: what may not be fetched comes back as its error-code`, async (t) => {
    await using upstream = new Upstream((_request, response) => void response.end('reached'));
    const authority = await upstream.listen();
    const headers = { 'x-urls': `http://${authority}/ http://denied.example/` };
    t.is(
      (await call({ path: '/fetch', headers }, upstream.context())).answer,
      'HTTP-request-denied,HTTP-request-denied',
    );
    const everything = await call(
      { path: '/fetch', headers: { 'x-urls': `http://${authority}/` } },
      upstream.context('*'),
    );
    t.is(everything.answer, 'destination-IP-prohibited');
  });

  test(`${road}: a request body streams from the caller through the guest to the upstream`, async (t) => {
    await using upstream = new Upstream(async (request, response) => {
      let received = 0;
      for await (const chunk of request) received += chunk.length;
      response.end(`${request.method} ${received}`);
    });
    const authority = await upstream.listen();
    const exchange = await call(
      {
        method: 'POST',
        path: '/upload',
        headers: { 'x-urls': `http://${authority}/` },
        body: new PatternSource(4 * 1024 * 1024),
      },
      upstream.context(authority),
    );
    t.is(exchange.answer, `POST ${4 * 1024 * 1024}`);
  });

  test(`${road}: a guest may go on sending its request after the response has begun`, async (t) => {
    await using upstream = new Upstream(async (request, response) => {
      response.write('begun ');
      // Long enough for the guest to fill every buffer and to wait for nothing but the host.
      for (let turn = 0; turn < 2_000; turn += 1) await new Promise(setImmediate);
      let received = 0;
      for await (const chunk of request) received += chunk.length;
      response.end(String(received));
    });
    const authority = await upstream.listen();
    const headers = { 'x-urls': `http://${authority}/` };
    const exchange = await call({ path: '/upload-late', headers }, upstream.context(authority));
    t.is(exchange.answer, `begun ${16 * 262144 + 1}`);
  });

  test(`${road}: a fetched response can be handed on unread`, async (t) => {
    await using upstream = new Upstream((_request, response) => {
      response.writeHead(418, { 'x-from': 'upstream', trailer: 'x-sum' });
      response.write('handed ');
      response.addTrailers({ 'x-sum': '7' });
      response.end('on');
    });
    const authority = await upstream.listen();
    const headers = { 'x-urls': `http://${authority}/` };
    const exchange = await call({ path: '/proxy', headers }, upstream.context(authority));
    t.is(exchange.status, 418);
    t.true(exchange.responseHeaders.includes('x-from: upstream'));
    t.is(exchange.answer, 'handed on');
    t.deepEqual(exchange.responseTrailers, ['x-sum: 7']);
  });

  test(`${road}: a request that breaks off ends the stream and fails the trailers`, async (t) => {
    const pipe = new BytePipe();
    const { exchange, done } = await start({ method: 'POST', path: '/hand-through', body: pipe.source });
    pipe.sink.write(Buffer.from('half'));
    pipe.sink.abort(new Error('the caller hung up'));
    await t.throwsAsync(exchange.text());
    t.true((await done) instanceof MayflyError);
  });
}
