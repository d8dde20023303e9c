import { once } from 'node:events';
import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import type { OutboundRequest, OutboundResponse } from '../../../host/wasi/context.ts';
import { OutboundError } from '../../../host/wasi/http/error-code.ts';
import { createOutbound } from '../../../host/wasi/http/outbound.ts';
import { createOutboundPool, type Lookup, type OutboundPool } from '../../../host/wasi/http/outbound-pool.ts';
import { BufferSource } from '../../../host/wasi/io/buffer-source.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import type { ByteSource } from '../../../host/wasi/io/bytes.ts';
import { toHeaderList } from './support/exchange.ts';
import { TEST_CERTIFICATE, TEST_KEY } from './support/test-certificate.ts';
import { barrierOfTwo } from './support/upstream.ts';

/** Every name has the given addresses; no real resolver is asked. */
function resolvesTo(...addresses: string[]): Lookup {
  return (_hostname, options, callback) => {
    const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all === true) callback(null, answer);
    else callback(null, answer[0]!.address, answer[0]!.family);
  };
}

class Fixture implements AsyncDisposable {
  readonly pool: OutboundPool;
  readonly controller = new AbortController();
  readonly #servers: Server[] = [];

  constructor(lookup: Lookup = resolvesTo('127.0.0.1'), certificateAuthorities?: string) {
    this.pool = createOutboundPool({
      lookup,
      ...(certificateAuthorities === undefined ? {} : { certificateAuthorities }),
    });
  }

  /** On the loopback: `127.0.0.1:port`. */
  async listen(listener: RequestListener, isSecure = false): Promise<string> {
    const secure = (): Server => createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, listener);
    const server = (isSecure ? secure() : createServer(listener)).listen(0, '127.0.0.1');
    this.#servers.push(server);
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  send(
    authority: string,
    request: Partial<OutboundRequest> = {},
    allowed = [authority],
  ): Promise<OutboundResponse> {
    const outbound = createOutbound({ allowedHosts: allowed, pool: this.pool });
    return outbound.send({ ...request_, authority, ...request }, this.controller.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

const request_: Omit<OutboundRequest, 'authority'> = {
  method: 'GET',
  scheme: 'http',
  pathWithQuery: '/',
  headers: [],
  body: undefined,
  connectTimeoutMs: undefined,
  firstByteTimeoutMs: undefined,
  betweenBytesTimeoutMs: undefined,
};

async function readAll(source: ByteSource): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = source.read(64 * 1024);
    if (chunk === 'end') return Buffer.concat(chunks).toString('latin1');
    if (chunk.length > 0) chunks.push(chunk);
    else await source.ready();
  }
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
  } catch (error) {
    return error instanceof OutboundError ? error.payload.tag : `not an OutboundError: ${error}`;
  }
  return undefined;
}

test('status, fields in order, body and trailers come back', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((incoming, answer) => {
    answer.writeHead(201, ['X-Path', incoming.url!, 'x-a', '1', 'x-a', 'b\xe9', 'Trailer', 'x-sum']);
    answer.write('hello ');
    answer.addTrailers({ 'x-sum': '42' });
    answer.end('there');
  });
  const response = await fixture.send(authority, { pathWithQuery: '/p?q=1' });
  t.is(response.status, 201);
  const headers = response.headers.map(
    ([name, value]) => `${name}: ${Buffer.from(value).toString('latin1')}`,
  );
  t.deepEqual(headers.slice(0, 3), ['X-Path: /p?q=1', 'x-a: 1', 'x-a: b\xe9']);
  t.is(await readAll(response.body), 'hello there');
  t.deepEqual(
    (await response.trailers()).map(([name, value]) => `${name}: ${Buffer.from(value)}`),
    ['x-sum: 42'],
  );
});

test('method, fields and a streamed body arrive', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen(async (incoming, answer) => {
    let body = '';
    for await (const chunk of incoming) body += chunk;
    answer.end(JSON.stringify([incoming.method, incoming.headers['x-a'], incoming.headers.host, body]));
  });
  const pipe = new BytePipe();
  const answered = fixture.send(authority, {
    method: 'PATCH',
    headers: toHeaderList({ 'x-a': 'b' }),
    body: pipe.source,
  });
  pipe.sink.write(Buffer.from('one '));
  pipe.sink.write(Buffer.from('two'));
  pipe.sink.end();
  const response = await answered;
  t.deepEqual(JSON.parse(await readAll(response.body)), ['PATCH', 'b', authority, 'one two']);
});

test('redirects are not followed', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((_incoming, answer) => {
    answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  });
  t.is((await fixture.send(authority)).status, 302);
});

test('a host that the list does not name is denied', async (t) => {
  await using fixture = new Fixture();
  t.is(await codeOf(fixture.send('example.com', {}, [])), 'HTTP-request-denied');
  t.is(
    await codeOf(fixture.send('example.com', {}, ['example.org', '*.example.com'])),
    'HTTP-request-denied',
  );
  t.is(await codeOf(fixture.send('example.com:81', {}, ['example.com'])), 'HTTP-request-denied');
});

test('no spelling of an address of the host itself passes a wildcard', async (t) => {
  await using fixture = new Fixture();
  let reached = 0;
  const authority = await fixture.listen((_incoming, answer) => {
    reached += 1;
    answer.end();
  });
  const port = authority.split(':')[1];
  for (const host of [
    '127.0.0.1',
    '127.1',
    '0x7f.1',
    '2130706433',
    '017700000001',
    '0.0.0.0',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '169.254.169.254',
    '127.0.0.1.',
  ]) {
    t.is(await codeOf(fixture.send(`${host}:${port}`, {}, ['*'])), 'destination-IP-prohibited', host);
  }
  t.is(reached, 0);
});

test('a public name that resolves to a private address is refused where it connects', async (t) => {
  for (const address of ['127.0.0.1', '10.0.0.1', '169.254.169.254', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
    await using fixture = new Fixture(resolvesTo(address));
    const sent = fixture.send('rebound.example', {}, ['*', '*.example']);
    t.is(await codeOf(sent), 'destination-IP-prohibited', address);
  }
});

test('a resolver that answers public first and private later does not get through', async (t) => {
  let asked = 0;
  const flipping: Lookup = (hostname, options, callback) => {
    asked += 1;
    resolvesTo('127.0.0.1')(hostname, options, callback);
  };
  await using fixture = new Fixture(flipping);
  for (let attempt = 1; attempt <= 2; attempt += 1) {
    t.is(await codeOf(fixture.send('rebound.example', {}, ['*.example'])), 'destination-IP-prohibited');
    t.is(asked, attempt, 'every connection resolves anew, and what it gets is what it connects to');
  }
});

test('a name that the list spells out may lead to a private address, for that function only', async (t) => {
  await using fixture = new Fixture(resolvesTo('127.0.0.1'));
  const authority = await fixture.listen((_incoming, answer) => void answer.end('inside'));
  const named = `internal.example:${authority.split(':')[1]}`;
  const response = await fixture.send(named, {}, [named]);
  t.is(await readAll(response.body), 'inside');
  // The connection above is idle in the tenant's pool now; a wildcard must not be handed it.
  t.is(await codeOf(fixture.send(named, {}, ['*'])), 'destination-IP-prohibited');
});

test('authorities that could smuggle something are refused', async (t) => {
  await using fixture = new Fixture();
  for (const authority of [
    'user@example.com',
    'example.com/x',
    'example.com#',
    'exa mple.com',
    'a\\b',
    '',
    ':80',
  ]) {
    t.is(await codeOf(fixture.send(authority, {}, ['*'])), 'HTTP-request-URI-invalid', authority);
  }
});

test('paths and methods that could split a request are refused', async (t) => {
  await using fixture = new Fixture();
  for (const pathWithQuery of ['/a b', '/a\r\nx: y', '/ü\u0100']) {
    t.is(await codeOf(fixture.send('127.0.0.1:9', { pathWithQuery })), 'HTTP-request-URI-invalid');
  }
  for (const method of ['CONNECT', 'GE T', '']) {
    t.is(await codeOf(fixture.send('127.0.0.1:9', { method })), 'HTTP-request-method-invalid');
  }
});

test('an absolute path does not become the target of the request', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((incoming, answer) => void answer.end(incoming.url));
  const response = await fixture.send(authority, { pathWithQuery: 'http://elsewhere.example/' });
  t.is(await readAll(response.body), '/http://elsewhere.example/');
});

test('a refused connection and a broken one have their own codes', async (t) => {
  await using fixture = new Fixture();
  // Not one that was given back: whatever listens at this moment on this machine may get it next. This is tcpmux.
  t.is(await codeOf(fixture.send('127.0.0.1:1')), 'connection-refused');
  const authority = await fixture.listen((incoming) => void incoming.socket.destroy());
  t.is(await codeOf(fixture.send(authority)), 'connection-terminated');
});

test('a server that never answers runs into the first-byte timeout', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen(() => {});
  t.is(await codeOf(fixture.send(authority, { firstByteTimeoutMs: 20 })), 'connection-read-timeout');
});

test('a server that stops half-way runs into the between-bytes timeout', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((_incoming, answer) => void answer.write('half'));
  const response = await fixture.send(authority, { betweenBytesTimeoutMs: 20 });
  t.is(await codeOf(readAll(response.body)), 'connection-read-timeout');
  t.is(await codeOf(response.trailers()), 'connection-read-timeout');
});

test('a connection that is not made in time runs into the connect timeout', async (t) => {
  // A resolver that never answers keeps the connection from being made, without any address to call.
  await using fixture = new Fixture(() => {});
  const sent = fixture.send('slow.example', { connectTimeoutMs: 20 }, ['slow.example']);
  t.is(await codeOf(sent), 'connection-timeout');
});

test('a response that breaks off gives its bytes, then the error', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((incoming, answer) => {
    answer.writeHead(200, { 'content-length': 100 });
    answer.write('part', () => incoming.socket.destroy());
  });
  const { body } = await fixture.send(authority);
  await body.ready();
  t.is(Buffer.from(body.read(100) as Uint8Array).toString(), 'part');
  t.is(await codeOf(readAll(body)), 'connection-terminated');
});

test('a response is read from the network only as fast as the guest reads', async (t) => {
  await using fixture = new Fixture();
  const total = 64 * 1024 * 1024;
  let sent = 0;
  const stalled = Promise.withResolvers<void>();
  const authority = await fixture.listen((_incoming, answer) => pour(answer));
  function pour(answer: ServerResponse): void {
    const chunk = Buffer.alloc(64 * 1024);
    while (sent < total) {
      sent += chunk.length;
      if (!answer.write(chunk)) {
        answer.once('drain', () => pour(answer));
        stalled.resolve();
        return;
      }
    }
    answer.end();
  }
  const { body } = await fixture.send(authority);
  await stalled.promise;
  let received = 0;
  let mostAhead = 0;
  for (;;) {
    const chunk = body.read(16 * 1024);
    if (chunk === 'end') break;
    received += chunk.length;
    mostAhead = Math.max(mostAhead, sent - received);
    if (chunk.length === 0) await body.ready();
    else if (received % (1024 * 1024) < 16 * 1024) await new Promise(setImmediate);
  }
  t.is(received, total);
  t.true(mostAhead < total / 2, `${mostAhead} bytes were on their way at once`);
});

test('a request body is taken from the guest only as fast as the server reads', async (t) => {
  await using fixture = new Fixture();
  const arrived = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const authority = await fixture.listen(async (incoming, answer) => {
    arrived.resolve();
    await go.promise;
    let received = 0;
    for await (const chunk of incoming) received += chunk.length;
    answer.end(String(received));
  });
  const total = 64 * 1024 * 1024;
  const source = new CountingSource(total);
  const sent = fixture.send(authority, { method: 'POST', body: source });
  await arrived.promise;
  // The kernel's buffers fill in a few turns; after that nothing more is taken.
  for (let turn = 0, before = -1; source.taken !== before || turn < 50; turn += 1) {
    before = source.taken;
    await new Promise(setImmediate);
  }
  t.true(source.taken < total / 2, `${source.taken} bytes were taken though nobody read`);
  go.resolve();
  t.is(await readAll((await sent).body), String(total));
});

test('a body of another length than declared fails the request', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((incoming, answer) => {
    incoming.resume().on('end', () => answer.end());
  });
  const headers = toHeaderList({ 'content-length': '5' });
  const body = new BufferSource(Buffer.from('abc'));
  t.is(await codeOf(fixture.send(authority, { method: 'POST', headers, body })), 'HTTP-request-body-size');
});

test('a request body that breaks off fails the request with its own code', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((incoming, answer) => {
    incoming
      .on('error', () => {})
      .resume()
      .on('end', () => answer.end());
  });
  const pipe = new BytePipe();
  const sent = fixture.send(authority, { method: 'POST', body: pipe.source });
  pipe.sink.write(Buffer.from('part'));
  pipe.sink.abort(new OutboundError({ tag: 'internal-error', val: 'dropped' }));
  t.is(await codeOf(sent), 'internal-error');
});

test('https checks the certificate against the name', async (t) => {
  const answers: RequestListener = (_incoming, answer) => void answer.end('secret');
  const codeFor = async (name: string, authorities: string | undefined): Promise<string | undefined> => {
    await using fixture = new Fixture(resolvesTo('127.0.0.1'), authorities);
    const authority = `${name}:${(await fixture.listen(answers, true)).split(':')[1]}`;
    return await codeOf(
      fixture
        .send(authority, { scheme: 'https' })
        .then(async ({ body }) => t.is(await readAll(body), 'secret')),
    );
  };
  t.is(await codeFor('secure.example', TEST_CERTIFICATE), undefined);
  t.is(await codeFor('other.example', TEST_CERTIFICATE), 'TLS-certificate-error');
  t.is(await codeFor('secure.example', undefined), 'TLS-certificate-error');
});

test('https to a server that speaks plain HTTP is a TLS error', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen((_incoming, answer) => void answer.end());
  t.is(await codeOf(fixture.send(authority, { scheme: 'https' })), 'TLS-protocol-error');
});

test('several requests share the connections of a tenant and run together', async (t) => {
  await using fixture = new Fixture();
  const authority = await fixture.listen(barrierOfTwo());
  const both = await Promise.all(
    ['/1', '/2'].map((pathWithQuery) => fixture.send(authority, { pathWithQuery })),
  );
  t.deepEqual(await Promise.all(both.map(({ body }) => readAll(body))), ['/1', '/2']);
});

test('the end of the invocation closes its connection and settles nothing', async (t) => {
  await using fixture = new Fixture();
  const arrived = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const authority = await fixture.listen((incoming) => {
    incoming.socket.once('close', () => closed.resolve());
    arrived.resolve();
  });
  let settled = false;
  const note = (): void => {
    settled = true;
  };
  fixture.send(authority).then(note, note);
  await arrived.promise;
  fixture.controller.abort();
  await closed.promise;
  t.false(settled);
});

test('dropping a response half-way closes its connection', async (t) => {
  await using fixture = new Fixture();
  const closed = Promise.withResolvers<void>();
  const authority = await fixture.listen((incoming, answer) => {
    incoming.socket.once('close', () => closed.resolve());
    answer.write('and so on');
  });
  const { body } = await fixture.send(authority);
  body.close();
  await closed.promise;
  t.is(body.read(10), 'end');
});

class CountingSource implements ByteSource {
  readonly #total: number;
  taken = 0;

  constructor(total: number) {
    this.#total = total;
  }

  read(maxBytes: number): Uint8Array | 'end' {
    if (this.taken === this.#total) return 'end';
    const size = Math.min(maxBytes, this.#total - this.taken);
    this.taken += size;
    return new Uint8Array(size);
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {}
}
