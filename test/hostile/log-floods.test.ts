/** Functions that log without end: they are ended, the log keeps its size, and others are served meanwhile. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { HOST_LIMITS } from '../../host/limits/limits.ts';
import { Bystander } from '../harness/bystander.ts';
import { cCommand } from '../harness/guests.ts';
import { HostProcess } from '../harness/host-process.ts';
import { residentBytes } from '../harness/memory.ts';
import { plainCommand } from '../harness/wat-commands.ts';

/** Lines of 1 KiB to standard error, whatever that says of them. */
const FLOOD = `
#include <string.h>
#include <unistd.h>
static char line[1024];
int main(void) {
  memset(line, 'x', sizeof line - 1);
  line[sizeof line - 1] = 10;
  for (;;) write(2, line, sizeof line);
}
`;

const ROUNDS = 5;
const FLOODS = 8;
const GROWTH_BYTES = 128 * 2 ** 20;
/** What is kept, the pages that SQLite has not given back yet, and its journal. */
const FILE_BYTES = 32 * 2 ** 20;

let folder: string;
let host: HostProcess;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mayfly-logs-'));
  host = await HostProcess.ready(folder, { MAYFLY_EXAMPLES: '0' });
  await host.publish('small', await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')));
  await host.publish('flood', await cCommand(FLOOD));
});
test.after.always(async () => {
  await host[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test('a flood ends with its own code, memory and disk are bounded, others are served', async (t) => {
  const beforeBytes = residentBytes(host.pid);
  const bystander = new Bystander(host, '/fn/default/small/');
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all(
      Array.from({ length: FLOODS }, () => host.request('/fn/default/flood/')),
    );
    for (const { text } of answers) t.is(JSON.parse(text).code, 'log_limit_exceeded');
  }
  t.deepEqual(await bystander.seen(), [200]);
  t.true(residentBytes(host.pid) < beforeBytes + GROWTH_BYTES);
  const { json } = await host.api('/functions/flood/logs?limit=1000');
  const kept = json.reduce((sum: number, { message }: { message: string }) => sum + message.length, 0);
  t.true(kept > 0 && kept <= HOST_LIMITS.logRetainedBytesPerFunction);
  const files = await Promise.all(
    ['logs.db', 'logs.db-wal'].map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  t.true(files[0]! + files[1]! < FILE_BYTES, `${files}`);
});
