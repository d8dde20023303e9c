import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { ADMIN_KEY, ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const WASM = { 'content-type': 'application/wasm' };

test('only application/wasm without a content encoding is taken', async (t) => {
  await using server = await ControlPlaneServer.start();
  const put = (headers: Record<string, string>) =>
    server.request('PUT', functionPath('hello'), { headers, body: new Uint8Array([1]) });
  for (const type of ['application/json', 'application/octet-stream', 'application/wasmx', 'text/plain']) {
    const problem = await problemOf(await put({ 'content-type': type }));
    t.like(problem, { code: 'unsupported_media_type', status: 415, field: 'content-type' }, type);
  }
  t.like(await problemOf(await put({})), { code: 'unsupported_media_type', field: 'content-type' });
  for (const encoding of ['gzip', 'br', 'identity, gzip']) {
    const problem = await problemOf(await put({ ...WASM, 'content-encoding': encoding }));
    t.like(problem, { code: 'unsupported_media_type', field: 'content-encoding' }, encoding);
  }
  t.is(
    (await put({ 'content-type': 'Application/WASM; charset=x', 'content-encoding': 'Identity' })).status,
    201,
  );
  t.is(server.jobs.length, 1);
  t.deepEqual(await server.staged(), []);
});

test('an empty upload is no component', async (t) => {
  await using server = await ControlPlaneServer.start();
  for (const body of ['', undefined]) {
    const options = { headers: WASM, ...(body === undefined ? {} : { body }) };
    const problem = await problemOf(await server.request('PUT', functionPath('hello'), options));
    t.like(problem, { code: 'component_malformed', detail: 'The body is empty.' });
  }
  const emptyStream = new ReadableStream<Uint8Array>({ start: (controller) => controller.close() });
  const chunked = await server.request('PUT', functionPath('hello'), { headers: WASM, body: emptyStream });
  t.is((await problemOf(chunked)).code, 'component_malformed');
  t.deepEqual(await server.staged(), []);
});

test('an upload of exactly the bound passes, and one byte more does not', async (t) => {
  await using server = await ControlPlaneServer.start({ componentBytes: 5_000 });
  t.is((await server.publish('fits', 'x'.repeat(5_000))).status, 201);
  const problem = await problemOf(await server.publish('large', 'x'.repeat(5_001)));
  t.like(problem, { code: 'component_too_large', status: 413 });
  t.regex(problem.detail, /5000 bytes/);
});

test('an upload that is announced as too large is refused before any of it is read', async (t) => {
  await using server = await ControlPlaneServer.start({ componentBytes: 5_000 });
  const request = httpRequest(`${server.origin}${functionPath('hello')}`, {
    method: 'PUT',
    headers: { ...WASM, authorization: `Bearer ${ADMIN_KEY}`, 'content-length': '999999999' },
  });
  request.flushHeaders();
  const [response] = await once(request, 'response');
  t.is(response.statusCode, 413);
  t.deepEqual(await server.staged(), []);
  request.destroy();
});

test('an endless upload without a length is refused once it exceeds the bound', async (t) => {
  await using server = await ControlPlaneServer.start({ componentBytes: 100_000 });
  const endless = new ReadableStream<Uint8Array>({
    // With a turn of the event loop between two pieces: a client that always has one at hand may never come to read the answer.
    pull: async (controller) => {
      await nextTurn();
      controller.enqueue(new Uint8Array(10_000));
    },
  });
  const response = await server.request('PUT', functionPath('hello'), { headers: WASM, body: endless });
  t.is((await problemOf(response)).code, 'component_too_large');
  t.deepEqual(await server.staged(), []);
  t.is(server.jobs.length, 0);
});

test('a slow upload arrives whole, whatever its pieces', async (t) => {
  await using server = await ControlPlaneServer.start();
  const bytes = Buffer.from(Array.from({ length: 5_000 }, (_, index) => index % 251));
  const pieces = [0, 1, 2, 1_000, 1_001, 4_999, 5_000];
  let next = 0;
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      await new Promise((resolve) => setImmediate(resolve));
      const piece = bytes.subarray(pieces[next], pieces[++next]);
      if (next === pieces.length) controller.close();
      else controller.enqueue(new Uint8Array(piece));
    },
  });
  const response = await server.request('PUT', functionPath('hello'), { headers: WASM, body });
  t.is(response.status, 201);
  const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  t.like(await response.json(), { digest, sizes: { uploadBytes: 5_000 } });
});

test('a caller who hangs up half-way leaves no file and no function', async (t) => {
  await using server = await ControlPlaneServer.start();
  const { port } = new URL(server.origin);
  for (const framing of ['content-length: 1000', 'transfer-encoding: chunked']) {
    const before = server.handled.length;
    const socket = connect(Number(port), '127.0.0.1');
    const head = `PUT ${functionPath('hello')} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\n`;
    socket.write(`${head}content-type: application/wasm\r\n${framing}\r\n\r\n`);
    socket.write(framing.startsWith('t') ? '5\r\nhello\r\n' : 'hello');
    while (server.handled.length === before) await new Promise((resolve) => setImmediate(resolve));
    while ((await server.staged()).length === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await server.handled.at(-1);
    t.deepEqual(await server.staged(), [], framing);
  }
  t.is(server.jobs.length, 0);
  t.is((await server.request('GET', functionPath('hello'))).status, 404);
  t.deepEqual(server.reports, []);
});

test('a caller who hangs up while it is published leaves a published version and no file', async (t) => {
  const publishing = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  await using server = await ControlPlaneServer.start({
    beforePublish: () => {
      publishing.resolve();
      return goOn.promise;
    },
  });
  const hangUp = new AbortController();
  const reply = server.request('PUT', functionPath('hello'), {
    headers: WASM,
    body: 'one',
    signal: hangUp.signal,
  });
  await publishing.promise;
  hangUp.abort();
  await t.throwsAsync(reply);
  goOn.resolve();
  await server.handled[0];
  t.deepEqual(await server.staged(), []);
  t.like(await (await server.request('GET', functionPath('hello'))).json(), { liveVersion: 1 });
});
