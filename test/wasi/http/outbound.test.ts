import type { RequestListener, ServerResponse } from 'node:http';
import test from 'ava';
import { OutboundError } from '../../../host/wasi/http/error-code.ts';
import { BufferSource } from '../../../host/wasi/io/buffer-source.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import type { ByteSource } from '../../../host/wasi/io/bytes.ts';
import { toHeaderList } from './support/exchange.ts';
import { codeOf, OutboundFixture, readAll, resolvesTo } from './support/outbound-fixture.ts';
import { TEST_CERTIFICATE } from './support/test-certificate.ts';
import { barrierOfTwo } from './support/upstream.ts';

test('status, fields in order, body and trailers come back', async (t) => {
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen((incoming, answer) => {
    answer.writeHead(201, ['X-Path', incoming.url!, 'x-a', '1', 'x-a', 'b\xe9', 'Trailer', 'x-sum']);
    answer.write('hello ');
    answer.addTrailers({ 'x-sum': '42', 'set-cookie': 'a=b', 'Content-Type': 'text/html' });
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
  await using fixture = new OutboundFixture();
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
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen((_incoming, answer) => {
    answer.writeHead(302, { location: 'http://127.0.0.1:1/' }).end();
  });
  t.is((await fixture.send(authority)).status, 302);
});

test('a refused connection and a broken one have their own codes', async (t) => {
  await using fixture = new OutboundFixture();
  // Not one that was given back: whatever listens at this moment on this machine may get it next. This is tcpmux.
  t.is(await codeOf(fixture.send('127.0.0.1:1')), 'connection-refused');
  const authority = await fixture.listen((incoming) => void incoming.socket.destroy());
  t.is(await codeOf(fixture.send(authority)), 'connection-terminated');
});

test('a server that never answers runs into the first-byte timeout', async (t) => {
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen(() => {});
  t.is(await codeOf(fixture.send(authority, { firstByteTimeoutMs: 20 })), 'connection-read-timeout');
});

test('a server that stops half-way runs into the between-bytes timeout', async (t) => {
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen((_incoming, answer) => void answer.write('half'));
  const response = await fixture.send(authority, { betweenBytesTimeoutMs: 20 });
  t.is(await codeOf(readAll(response.body)), 'connection-read-timeout');
  t.is(await codeOf(response.trailers()), 'connection-read-timeout');
});

test('a connection that is not made in time runs into the connect timeout', async (t) => {
  // A resolver that never answers keeps the connection from being made, without any address to call.
  await using fixture = new OutboundFixture(() => {});
  const sent = fixture.send('slow.example', { connectTimeoutMs: 20 }, ['slow.example']);
  t.is(await codeOf(sent), 'connection-timeout');
});

test('a response that breaks off gives its bytes, then the error', async (t) => {
  await using fixture = new OutboundFixture();
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
  await using fixture = new OutboundFixture();
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
  await using fixture = new OutboundFixture();
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
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen((incoming, answer) => {
    incoming.resume().on('end', () => answer.end());
  });
  const headers = toHeaderList({ 'content-length': '5' });
  const body = new BufferSource(Buffer.from('abc'));
  t.is(await codeOf(fixture.send(authority, { method: 'POST', headers, body })), 'HTTP-request-body-size');
});

test('a request body that breaks off fails the request with its own code', async (t) => {
  await using fixture = new OutboundFixture();
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
    await using fixture = new OutboundFixture(resolvesTo('127.0.0.1'), authorities);
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
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen((_incoming, answer) => void answer.end());
  t.is(await codeOf(fixture.send(authority, { scheme: 'https' })), 'TLS-protocol-error');
});

test('several requests share the connections of a tenant and run together', async (t) => {
  await using fixture = new OutboundFixture();
  const authority = await fixture.listen(barrierOfTwo());
  const both = await Promise.all(
    ['/1', '/2'].map((pathWithQuery) => fixture.send(authority, { pathWithQuery })),
  );
  t.deepEqual(await Promise.all(both.map(({ body }) => readAll(body))), ['/1', '/2']);
});

test('the end of the invocation closes its connection and settles nothing', async (t) => {
  await using fixture = new OutboundFixture();
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
  await using fixture = new OutboundFixture();
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
