import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import test from 'ava';
import { followLog } from '../../host/control-plane/log-stream.ts';
import type { InvocationId } from '../../host/model/ids.ts';
import type { LogRecord } from '../../host/model/log-record.ts';
import type { StoredLogRecord } from '../../host/store/log-store.ts';
import { functionNamed, tenantNamed } from '../store/publications.ts';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const tenant = tenantNamed('default');
const name = functionNamed('hello');
const path = `${functionPath('hello')}/logs`;

function record(message: string): LogRecord {
  return {
    tenant,
    name,
    version: 1,
    invocationId: '0190-test' as InvocationId,
    timestampMs: 0,
    level: 'info',
    source: 'stdout',
    message,
  };
}

async function start(): Promise<ControlPlaneServer> {
  const server = await ControlPlaneServer.start();
  await server.publish('hello', 'one');
  return server;
}

interface Line {
  readonly id: number;
  readonly message: string;
  readonly level: string;
}

const messagesOf = async (response: Response) =>
  ((await response.json()) as Line[]).map((line) => line.message);

/** Lines of a response as they come. */
function linesOf(response: Response): AsyncIterator<string> & AsyncIterable<string> {
  const lines = createInterface({ input: Readable.fromWeb(response.body as never) });
  return lines[Symbol.asyncIterator]() as AsyncIterator<string> & AsyncIterable<string>;
}

async function nextLine(lines: AsyncIterator<string>): Promise<Line> {
  const { value } = await lines.next();
  return JSON.parse(value as string) as Line;
}

test('the newest records come as an array, oldest first, page by page', async (t) => {
  await using server = await start();
  server.log(['1', '2', '3', '4'].map(record));
  const response = await server.request('GET', `${path}?limit=2`);
  const [first, second] = (await response.clone().json()) as Line[];
  t.deepEqual(await messagesOf(response), ['3', '4']);
  t.like(first, { version: 1, level: 'info', source: 'stdout', timestamp: '1970-01-01T00:00:00.000Z' });
  t.true(second!.id > first!.id);
  t.deepEqual(await messagesOf(await server.request('GET', `${path}?limit=9&before=${first!.id}`)), [
    '1',
    '2',
  ]);
  t.deepEqual(await messagesOf(await server.request('GET', `${path}?limit=0`)), []);
});

test('what is no page is refused', async (t) => {
  await using server = await start();
  for (const query of ['limit=-1', 'limit=1001', 'limit=1.5', 'follow=yes', 'before=x']) {
    const problem = await problemOf(await server.request('GET', `${path}?${query}`));
    t.like(problem, { code: 'invalid_request', field: query.split('=')[0] }, query);
  }
  t.regex(
    (await problemOf(await server.request('GET', `${path}?folow=true`))).detail,
    /did you mean follow\?/,
  );
});

test('the log of a function that does not exist is not found, followed or not', async (t) => {
  await using server = await start();
  for (const query of ['', '?follow=true']) {
    const problem = await problemOf(await server.request('GET', `${functionPath('nope')}/logs${query}`));
    t.is(problem.code, 'function_not_found');
  }
  t.is(server.followers.size, 0);
});

test('a followed log starts with the tail and goes on with each record as it is written', async (t) => {
  await using server = await start();
  server.log(['1', '2', '3'].map(record));
  const response = await server.request('GET', `${path}?limit=2&follow=true`);
  t.is(response.headers.get('content-type'), 'application/x-ndjson');
  const lines = linesOf(response);
  t.is((await nextLine(lines)).message, '2');
  t.is((await nextLine(lines)).message, '3');
  server.log([record('4')]);
  t.is((await nextLine(lines)).message, '4');
  server.log([record('5\n"quoted"'), record('6')]);
  t.is((await nextLine(lines)).message, '5\n"quoted"');
  t.is((await nextLine(lines)).message, '6');
});

test('a followed log without records answers at once and waits', async (t) => {
  await using server = await start();
  const response = await server.request('GET', `${path}?follow=true`);
  t.is(response.status, 200);
  server.log([record('first')]);
  t.is((await nextLine(linesOf(response))).message, 'first');
});

test('a follower who hangs up is forgotten', async (t) => {
  await using server = await start();
  const hangUp = new AbortController();
  await server.request('GET', `${path}?follow=true`, { signal: hangUp.signal });
  t.is(server.followers.size, 1);
  hangUp.abort();
  while (server.followers.size > 0) await new Promise((resolve) => setImmediate(resolve));
  t.pass();
});

test('a followed log ends when its key is revoked: nothing that is written then is sent', async (t) => {
  await using server = await start();
  const { id, key } = await server.createKey('default', 'ci', ['read']);
  server.log(['before'].map(record));
  const response = await server.request('GET', `${path}?follow=true`, { key });
  const lines = linesOf(response);
  t.is((await nextLine(lines)).message, 'before');
  await server.request('DELETE', `/v1/tenants/default/keys/${id}`);
  server.log(['after'].map(record));
  t.true((await lines.next()).done);
  t.is(server.followers.size, 0);
});

test('HEAD of a followed log follows nothing', async (t) => {
  await using server = await start();
  t.is((await server.request('HEAD', `${path}?follow=true`)).status, 200);
  t.is(server.followers.size, 0);
});

test('followed logs end with what was written when the host drains', async (t) => {
  await using server = await start();
  const response = await server.request('GET', `${path}?follow=true`);
  server.log([record('last')]);
  server.draining.abort();
  const rest: string[] = [];
  for await (const line of linesOf(response)) rest.push((JSON.parse(line) as Line).message);
  t.deepEqual(rest, ['last']);
  t.is(server.followers.size, 0);
});

function stored(id: number, message: string): StoredLogRecord {
  return { ...record(message), id };
}

test('a record that comes while the tail is read is sent once and in its place', async (t) => {
  let tell: (record: StoredLogRecord) => void = () => {};
  const draining = new AbortController();
  const stream = await followLog({
    requireKey: async () => {},
    tenant,
    name,
    draining: draining.signal,
    followLogs: (_tenant, _name, listener) => {
      tell = listener;
      return () => {};
    },
    tail: async () => {
      tell(stored(2, 'both'));
      tell(stored(3, 'only followed'));
      return [stored(1, 'only tail'), stored(2, 'both')];
    },
  });
  draining.abort();
  const lines = (await new Response(stream).text()).trim().split('\n');
  t.deepEqual(
    lines.map((line) => (JSON.parse(line) as Line).message),
    ['only tail', 'both', 'only followed'],
  );
});

test('a reader who does not read costs a bounded amount, and is told how much it missed', async (t) => {
  let tell: (record: StoredLogRecord) => void = () => {};
  const draining = new AbortController();
  const stream = await followLog({
    requireKey: async () => {},
    tenant,
    name,
    draining: draining.signal,
    followLogs: (_tenant, _name, listener) => {
      tell = listener;
      return () => {};
    },
    tail: async () => [],
  });
  const total = 10_000;
  for (let id = 1; id <= total; id++) tell(stored(id, 'x'.repeat(1_000)));
  draining.abort();
  const text = await new Response(stream).text();
  t.true(text.length < 512 * 1024, `${text.length}`);
  const [notice, ...rest] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  t.is(notice?.level, 'warn');
  t.is(notice?.message, `${total - rest.length} records left out: they came faster than they were read`);
  t.is(rest.at(-1)?.id, total);
});

test('what is not wanted comes neither in a page nor to a follower', async (t) => {
  await using server = await start();
  const trace = 'a'.repeat(32);
  const warned = { ...record('warned'), level: 'warn' as const, traceId: trace, spanId: 'b'.repeat(16) };
  server.log([record('before'), warned]);
  const page = await server.request('GET', `${path}?level=warn&trace=${trace}&since=1970-01-01T00:00:00Z`);
  const [line] = (await page.json()) as Line[];
  t.like(line, { message: 'warned', traceId: trace, spanId: 'b'.repeat(16) });
  const response = await server.request('GET', `${path}?follow=true&level=warn`);
  const lines = linesOf(response);
  t.is((await nextLine(lines)).message, 'warned');
  server.log([record('quiet'), { ...record('loud'), level: 'error' }]);
  t.is((await nextLine(lines)).message, 'loud');
  for (const query of ['level=loud', 'trace=x', 'since=yesterday', 'invocation=1'])
    t.is((await problemOf(await server.request('GET', `${path}?${query}`))).code, 'invalid_request', query);
});
