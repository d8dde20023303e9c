/** Heads that are too large, have too many fields, or never end: each is refused or cut off, and costs others nothing. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { Bystander } from '../harness/bystander.ts';
import { HostProcess } from '../harness/host-process.ts';
import { residentBytes } from '../harness/memory.ts';
import { exchange, RawConnection, statuses } from '../harness/raw-connection.ts';
import { plainCommand } from '../harness/wat-commands.ts';

const LANES = 20;
const ROUNDS = 15;
/** A head of 64 KiB on each lane is 1 MiB; V8 takes some time to give back what it used for them. */
const GROWTH_BYTES = 96 * 2 ** 20;

const HEAD = 'GET /fn/default/small/ HTTP/1.1\r\nhost: x\r\n';
const BOMBS: readonly (readonly [name: string, bytes: string, status: number])[] = [
  ['one field of a megabyte', `${HEAD}x: ${'y'.repeat(2 ** 20)}\r\n\r\n`, 431],
  ['a megabyte of field names', `${HEAD}${'z'.repeat(2 ** 20)}: 1\r\n\r\n`, 431],
  [
    'more fields than a function takes',
    `${HEAD}connection: close\r\n${Array.from({ length: 1_500 }, (_, i) => `x-${i}: 1\r\n`).join('')}\r\n`,
    431,
  ],
  ['a target of a megabyte', `GET /fn/default/small/${'a'.repeat(2 ** 20)} HTTP/1.1\r\nhost: x\r\n\r\n`, 431],
];

let folder: string;
let host: HostProcess;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-bombs-'));
  host = await HostProcess.ready(folder, { MAYFLY_EXAMPLES: '0' });
  await host.publish('small', await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')));
});
test.after.always(async () => {
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('bombs are refused with a code, heads without an end take no memory, and others are served meanwhile', async (t) => {
  const port = Number(new URL(host.origin).port);
  for (const [name, bytes, status] of BOMBS) {
    const answer = await exchange(port, bytes);
    t.deepEqual(statuses(answer), [status], name);
    t.regex(answer, /"code":"request_headers_too_large"/, name);
  }
  const beforeBytes = residentBytes(host.pid);
  const bystander = new Bystander(host, '/fn/default/small/');
  const endless = await Promise.all(
    Array.from({ length: LANES }, async () => {
      const connection = await RawConnection.open(port);
      await connection.send(HEAD);
      return connection;
    }),
  );
  await Promise.all(
    endless.map(async (connection, lane) => {
      for (let round = 0; round < ROUNDS; round++) {
        await connection.send(`x-${round}: ${'e'.repeat(1_000)}\r\n`);
        const [, bytes, status] = BOMBS[(lane + round) % BOMBS.length]!;
        t.deepEqual(statuses(await exchange(port, bytes)), [status]);
      }
    }),
  );
  t.true(residentBytes(host.pid) < beforeBytes + GROWTH_BYTES);
  t.true(endless.every(({ received, isClosed }) => received === '' && !isClosed));
  t.deepEqual(await bystander.seen(), [200]);
  for (const connection of endless) connection.destroy();
  t.deepEqual(host.errorLines, []);
});
