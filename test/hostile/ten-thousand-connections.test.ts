/** Ten thousand connections that say nothing, or half of something: they take little, and nobody else notices. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { descriptorLimit } from '../../host/worker/descriptors.ts';
import { Bystander } from '../harness/bystander.ts';
import { HostProcess } from '../harness/host-process.ts';
import { residentBytes } from '../harness/memory.ts';
import { plainCommand } from '../harness/wat-commands.ts';

/** As many as this process and the host may have open, which has two descriptors for some of them. */
const CONNECTIONS = Math.min(10_000, Math.floor(descriptorLimit() * 0.6) - 500);
const AT_A_TIME = 250;
/** Of the host, for each; limits.ts says 15 KiB. */
const BYTES_EACH = 40 * 1_024;
const SLACK_BYTES = 64 * 2 ** 20;

let folder: string;
let host: HostProcess;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-idle-'));
  host = await HostProcess.ready(folder, { MAYFLY_EXAMPLES: '0' });
  await host.publish('small', await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')));
});
test.after.always(async () => {
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('they stay open, take bounded memory, and others are served meanwhile', async (t) => {
  t.timeout(120_000);
  const port = Number(new URL(host.origin).port);
  const beforeBytes = residentBytes(host.pid);
  const bystander = new Bystander(host, '/fn/default/small/');
  const sockets: Socket[] = [];
  while (sockets.length < CONNECTIONS) {
    const opened = Array.from({ length: AT_A_TIME }, (_, i) => {
      const socket = connect({ host: '127.0.0.1', port });
      if (i % 2 === 0) socket.write('GET /fn/default/small/ HT');
      socket.on('error', () => {});
      return socket;
    });
    sockets.push(...opened);
    await Promise.all(opened.map((socket) => once(socket, 'connect')));
  }
  const perConnection = (residentBytes(host.pid) - beforeBytes) / sockets.length;
  t.log(`${sockets.length} connections, ${Math.round(perConnection / 1_024)} KiB each`);
  t.true(residentBytes(host.pid) < beforeBytes + sockets.length * BYTES_EACH + SLACK_BYTES);
  t.deepEqual(await bystander.seen(), [200]);
  t.is(sockets.filter(({ closed }) => closed).length, 0);
  for (const socket of sockets) socket.destroy();
  t.is((await host.request('/fn/default/small/')).status, 200);
  t.deepEqual(host.errorLines, []);
});
