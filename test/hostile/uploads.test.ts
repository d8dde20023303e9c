/** Uploads that mean harm, through the real socket: a clear refusal, nothing left behind, everybody else served. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import test, { type ExecutionContext } from 'ava';
import { ERROR_TABLE, type ErrorCode } from '../../host/errors/errors.ts';
import { component, joined, leb, moduleOf, name, randomBytes, section } from '../compiler/binary-builder.ts';
import { withNote } from '../harness/component-note.ts';
import { exampleComponent } from '../harness/guests.ts';
import { type Json, startTestHost, type TestHost, testHost } from '../harness/host.ts';
import { LeakCheck } from '../harness/leaks.ts';
import { RawConnection } from '../harness/raw-connection.ts';

const leaks = new LeakCheck();
let host: TestHost;
let tiny: Uint8Array;
test.before(async () => {
  tiny = await exampleComponent('tiny-wat');
  host = await startTestHost();
  await host.deploy('hello', tiny);
});
test.after.always(async () => {
  await host.dispose();
  await leaks.settled();
});

const WASM = { 'content-type': 'application/wasm' };
/** A hello beside the worst upload: some milliseconds where nothing else runs on the machine, and a second where much does. */
const PATIENCE_MS = 20_000;

/** The export section of a wasip1 command. */
const START = section(7, [1], name('_start'), [0, 0]);

function nestedBlocks(depth: number): Uint8Array {
  const opening = new Uint8Array(depth * 2).map((_, i) => (i % 2 === 0 ? 0x02 : 0x40));
  return moduleOf([joined([0], opening, new Uint8Array(depth + 1).fill(0x0b))], START);
}

function nestedComponents(depth: number): Uint8Array {
  let bytes = component();
  for (let i = 0; i < depth; i++) bytes = component(section(4, bytes));
  return bytes;
}

/** Six bytes a function, 50,000 locals each: 100 MB of zeroes to write down for whoever believes it. */
function manyLocals(functions: number): Uint8Array {
  const body = joined([1], leb(50_000), [0x7f, 0x0b]);
  return moduleOf(
    Array.from({ length: functions }, () => body),
    START,
  );
}

interface Upload {
  readonly title: string;
  readonly bytes: () => Uint8Array | Promise<Uint8Array>;
  readonly code: ErrorCode;
  readonly headers?: Record<string, string>;
}

const UPLOADS: readonly Upload[] = [
  { title: 'random bytes', bytes: () => randomBytes(7, 100_000), code: 'component_malformed' },
  { title: 'an empty body', bytes: () => new Uint8Array(), code: 'component_malformed' },
  {
    title: 'a truncated component',
    bytes: () => tiny.subarray(0, tiny.length / 2),
    code: 'component_malformed',
  },
  {
    title: 'a valid module with the wrong exports',
    bytes: () => moduleOf([[0, 0x0b]], section(7, [1], name('main'), [0, 0])),
    code: 'component_handler_missing',
  },
  {
    title: '100,000 functions',
    bytes: () =>
      moduleOf(
        Array.from({ length: 100_000 }, () => [0, 0x0b]),
        START,
      ),
    code: 'component_too_complex',
  },
  { title: '1,000 nested blocks', bytes: () => nestedBlocks(1_000), code: 'component_too_complex' },
  { title: '1,000 nested components', bytes: () => nestedComponents(1_000), code: 'component_too_complex' },
  {
    title: '2,000 functions of 50,000 locals',
    bytes: () => manyLocals(2_000),
    code: 'component_too_complex',
  },
  { title: 'gzip bytes', bytes: () => gzipSync(tiny), code: 'component_malformed' },
  {
    title: 'a gzip content encoding',
    bytes: () => gzipSync(Buffer.alloc(50_000_000)),
    code: 'unsupported_media_type',
    headers: { ...WASM, 'content-encoding': 'gzip' },
  },
  {
    title: 'another media type',
    bytes: () => tiny,
    code: 'unsupported_media_type',
    headers: { 'content-type': 'text/html' },
  },
  { title: 'no media type', bytes: () => tiny, code: 'unsupported_media_type', headers: {} },
];

const leftovers = async (of: TestHost): Promise<string[]> => [
  ...(await readdir(join(of.config.dataDir, 'staging'))),
  ...(await readdir(join(of.config.dataDir, 'uploads'))),
];

/** The host removes a file some turns after the caller has its answer or is gone. */
async function nothingIsLeft(of: TestHost): Promise<void> {
  while ((await leftovers(of)).length > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function uploadIsTaken(of: TestHost): Promise<void> {
  while ((await leftovers(of)).length === 0) await new Promise((resolve) => setImmediate(resolve));
}

async function helloIsServed(t: ExecutionContext, of: TestHost = host): Promise<void> {
  const startMs = performance.now();
  t.is((await of.call('hello')).status, 200);
  const ms = performance.now() - startMs;
  t.true(ms < PATIENCE_MS, `hello took ${ms.toFixed(0)} ms`);
}

/** A key that opens the upload of `path` by hand. */
function uploadHead(of: TestHost, name: string, more: string): string {
  return `PUT /v1/tenants/default/functions/${name} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${of.running.adminKey.key}\r\ncontent-type: application/wasm\r\n${more}\r\n\r\n`;
}

test.serial(
  'each is refused with its own code while others are served, and leaves nothing behind',
  async (t) => {
    const artifacts = await readdir(join(host.config.dataDir, 'artifacts'));
    for (const { title, bytes, code, headers } of UPLOADS) {
      const uploading = host.api('/functions/bad', {
        method: 'PUT',
        headers: headers ?? WASM,
        body: Buffer.from(await bytes()),
      });
      let isDone = false;
      const done = uploading.finally(() => {
        isDone = true;
      });
      do await helloIsServed(t);
      while (!isDone);
      const { status, json } = await done;
      t.is(json.code, code, `${title}: ${JSON.stringify(json)}`);
      t.is(status, ERROR_TABLE[code].status, title);
      t.true(json.detail.length > 0 && json.mend.length > 0, title);
      await nothingIsLeft(host);
    }
    t.deepEqual(await readdir(join(host.config.dataDir, 'artifacts')), artifacts);
    t.is((await host.api('/functions/bad')).json.code, 'function_not_found');
    t.deepEqual(host.reports, []);
    t.is((await host.deploy('good', withNote(tiny, 'good'))).version, 1);
    t.is((await host.call('good')).status, 200);
  },
);

test.serial('an upload that breaks off half-way leaves nothing behind', async (t) => {
  for (const length of [`content-length: ${tiny.length}`, 'transfer-encoding: chunked']) {
    for (const leave of ['destroy', 'end', 'resetAndDestroy'] as const) {
      const connection = await RawConnection.open(host.running.port);
      await connection.send(uploadHead(host, 'half', length));
      const half = Buffer.from(tiny.subarray(0, tiny.length / 2));
      await connection.send(
        length.startsWith('content') ? half : `${half.length.toString(16)}\r\n${half.toString('latin1')}\r\n`,
      );
      await uploadIsTaken(host);
      connection.socket[leave]();
      await connection.closed();
      await nothingIsLeft(host);
    }
  }
  t.is((await host.api('/functions/half')).json.code, 'function_not_found');
  t.deepEqual(host.reports, []);
  await helloIsServed(t);
});

test.serial('uploads that trickle in keep nobody waiting, publishers included', async (t) => {
  const slow = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const connection = await RawConnection.open(host.running.port);
      await connection.send(uploadHead(host, 'slow', 'transfer-encoding: chunked'));
      await connection.send('1\r\n\0\r\n');
      return connection;
    }),
  );
  await uploadIsTaken(host);
  for (let round = 0; round < 5; round++) {
    await Promise.all(slow.map((connection) => connection.send('1\r\na\r\n')));
    await helloIsServed(t);
  }
  t.is((await host.deploy('beside', withNote(tiny, 'beside the slow ones'))).version, 1);
  for (const connection of slow) connection.destroy();
  await nothingIsLeft(host);
  await helloIsServed(t);
});

test.serial('an upload beyond the bound is refused by its length, and while it streams', async (t) => {
  const own = await testHost(t, { env: { MAYFLY_MAX_COMPONENT_BYTES: '100000' } });
  await own.deploy('hello', tiny);
  {
    const announced = await RawConnection.open(own.running.port);
    await announced.send(uploadHead(own, 'big', 'content-length: 100001'));
    const answer = await announced.closed();
    t.regex(answer, /^HTTP\/1\.1 413 .*component_too_large/s);
    t.deepEqual(await leftovers(own), []);
  }
  {
    const streamed = await RawConnection.open(own.running.port);
    await streamed.send(uploadHead(own, 'big', 'transfer-encoding: chunked'));
    // Until it is refused; it would go on for ever.
    const chunk = `3e8\r\n${'x'.repeat(1_000)}\r\n`;
    let chunks = 0;
    while (!streamed.isClosed && streamed.received === '' && chunks < 10_000) {
      await streamed.send(chunk);
      chunks++;
    }
    const answer = await streamed.closed();
    t.regex(answer, /^HTTP\/1\.1 413 .*component_too_large/s);
    t.true(chunks < 10_000, `${chunks} chunks were taken`);
    await nothingIsLeft(own);
  }
  const { status, json } = await own.api('/functions/big', {
    method: 'PUT',
    headers: WASM,
    body: Buffer.alloc(100_000),
  });
  t.deepEqual([status, json.code], [422, 'component_malformed'], 'one of exactly the bound is looked at');
  await helloIsServed(t, own);
  await own.deploy('good', withNote(tiny, 'good'));
  t.deepEqual(own.reports, []);
});

test.serial('a client that is still sending gets the refusal, not a broken pipe', async (t) => {
  const own = await testHost(t, { env: { MAYFLY_MAX_COMPONENT_BYTES: '100000' } });
  await own.deploy('hello', tiny, { requestBytes: 100_000 });
  const chunks = async function* (): AsyncGenerator<Uint8Array> {
    for (let i = 0; i < 200; i++) yield Buffer.alloc(50_000);
  };
  for (let round = 0; round < 10; round++) {
    for (const body of [chunks(), Buffer.alloc(10_000_000)]) {
      const { status, json } = await own.api('/functions/big', { method: 'PUT', headers: WASM, body });
      t.deepEqual([status, json.code], [413, 'component_too_large']);
    }
    t.is(
      await own.failure('hello', '/', { method: 'POST', body: Buffer.alloc(10_000_000) }),
      'request_too_large',
    );
    t.is(await own.failure('nobody', '/', { method: 'POST', body: chunks() }), 'function_not_found');
  }
  await nothingIsLeft(own);
});

test.serial('thirty uploads at once are published or told to come back', async (t) => {
  const uploads = Array.from({ length: 30 }, async (_, i) => {
    const answer = await host.request(`/v1/tenants/default/functions/many-${i}`, {
      method: 'PUT',
      headers: { ...WASM, authorization: `Bearer ${host.running.adminKey.key}` },
      body: withNote(tiny, `upload ${i}`),
    });
    return { i, ...answer, json: JSON.parse(answer.text) as Json };
  });
  let isDone = false;
  const all = Promise.all(uploads).finally(() => {
    isDone = true;
  });
  do await helloIsServed(t);
  while (!isDone);
  const answers = await all;
  const busy = answers.filter(({ status }) => status !== 201);
  // One is worked on and sixteen wait.
  t.true(answers.length - busy.length >= 17, `${busy.length} of 30 were refused`);
  for (const { status, headers, json } of busy) {
    t.deepEqual([status, json.code], [503, 'publish_busy']);
    t.regex(String(headers['retry-after']), /^[1-9]\d*$/);
  }
  for (const { i, status } of answers) {
    t.is((await host.call(`many-${i}`)).status, status === 201 ? 200 : 404);
  }
  await nothingIsLeft(host);
  // Who comes back is served.
  for (const { i } of busy.slice(0, 2)) await host.deploy(`many-${i}`, withNote(tiny, `upload ${i}`));
  t.deepEqual(host.reports, []);
});

test.serial('an uploader without a key is refused before a byte of the body is kept', async (t) => {
  const connection = await RawConnection.open(host.running.port);
  await connection.send(
    'PUT /v1/tenants/default/functions/x HTTP/1.1\r\nhost: x\r\ncontent-type: application/wasm\r\ncontent-length: 1000000\r\n\r\n',
  );
  t.regex(await connection.closed(), /^HTTP\/1\.1 401 .*unauthenticated/s);
  t.deepEqual(await leftovers(host), []);
});
