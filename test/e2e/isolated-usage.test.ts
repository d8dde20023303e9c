/**
 * Usage of a tenant with a process of its own: whatever becomes of an invocation, of its process and of the host, it leaves one
 * record.
 */
import { readFileSync } from 'node:fs';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import type { UsageRecordJson } from '../../host/control-plane/usage-schemas.ts';
import { betweenLooks } from '../harness/between-looks.ts';
import { cCommand } from '../harness/guests.ts';
import { fuelOf, startTestHost, type TestHost } from '../harness/host.ts';
import { childrenOf, LeakCheck } from '../harness/leaks.ts';
import { Operator } from '../harness/operator.ts';
import { clockCommand, plainCommand } from '../harness/wat-commands.ts';

/** Traps when half of its answer is with the caller: it is long, and nothing else holds it back. */
const BREAKS = `
#include <unistd.h>
static char chunk[65536];
int main(void) {
  write(1, "Content-Type: text/plain\\n\\n", 26);
  for (int i = 0; i < 16; i++) write(1, chunk, sizeof chunk);
  __builtin_trap();
}
`;

let leaks: LeakCheck;
let host: TestHost;
let operator: Operator;

test.before(async () => {
  // The parser of text has a thread of its own from its first use on.
  await parse('(module)');
  leaks = new LeakCheck();
  host = await startTestHost();
  operator = new Operator(host);
  await operator.tenant('apart');
  await operator.api('PATCH', '/tenants/apart/settings', { isolation: 'process' });
  const command = (body: string): Promise<Uint8Array> =>
    parse(plainCommand(`(memory 1) (func (export "run") (result i32) ${body})`));
  const sleeps =
    '(memory 1) (func (export "run") (result i32) (call $sleep (i64.const 60000000000)) (i32.const 0))';
  await operator.deploy('apart', 'ok', await command('(i32.const 0)'));
  await operator.deploy('apart', 'guarded', await command('(i32.const 0)'), {
    access: { type: 'authorizer', function: 'traps', identityHeaders: ['x-user'] },
  });
  await operator.deploy('apart', 'traps', await command('unreachable'));
  await operator.deploy('apart', 'breaks', await cCommand(BREAKS));
  await operator.deploy('apart', 'sleeps', await parse(clockCommand(sleeps)), { timeoutMs: 60_000 });
});
test.after.always(async () => {
  await host.dispose();
  await leaks.settled();
});

function processOfTenant(): number {
  return childrenOf(process.pid).find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('isolated-process'),
  )!;
}

async function records(): Promise<UsageRecordJson[]> {
  const { json } = await operator.api('GET', '/tenants/apart/usage?level=record&limit=1000');
  return json.rows;
}

/** All records, once one of them is this. */
async function recordsWith(wanted: string): Promise<string[]> {
  for (;;) {
    const found = (await records()).map(
      ({ function: name, trigger, outcome }) => `${name} ${trigger} ${outcome}`,
    );
    if (found.includes(wanted)) return found.sort();
    await betweenLooks();
  }
}

const expected: string[] = [];

test.serial('what is answered and what traps is told once, as its caller hears it', async (t) => {
  const answer = await operator.call('apart', 'ok');
  expected.push('ok http returned');
  t.is((await operator.call('apart', 'traps')).status, 502);
  expected.push('traps http function_trapped');
  await t.throwsAsync(operator.call('apart', 'breaks'));
  expected.push('breaks http function_trapped');
  t.is((await operator.api('POST', '/tenants/apart/functions/ok/invocations', 'event')).status, 200);
  expected.push('ok invoke returned');
  // The host asks it, and the question fails in the process.
  t.true((await operator.call('apart', 'guarded', { headers: { 'x-user': 'ada' } })).status >= 500);
  expected.push('traps authorizer function_trapped');
  t.deepEqual(await recordsWith('traps authorizer function_trapped'), [...expected].sort());

  const record = (await records()).find(
    ({ invocationId }) => invocationId === answer.headers['mayfly-invocation-id'],
  );
  t.like(record, { function: 'ok', fuel: Number(fuelOf(answer)), billed: true, attempt: 1 });
  t.true(record!.fuelModel.length > 0 && record!.peakMemoryBytes >= 65_536);
});

test.serial(
  'a trap in the middle of an answer is in the log as what it was, and ends nobody else',
  async (t) => {
    const gone = new AbortController();
    // On both threads, some of them beside the one that traps.
    t.teardown(() => gone.abort());
    const others = Array.from({ length: 8 }, () =>
      fetch(`${host.origin}/fn/apart/sleeps/`, { signal: gone.signal }).catch((error: Error) => error.name),
    );
    await operator.untilUsed('apart', 'concurrency', others.length);
    await t.throwsAsync(operator.call('apart', 'breaks'));
    expected.push('breaks http function_trapped');
    while ((await records()).length < expected.length) await betweenLooks();
    t.deepEqual(await recordsWith('breaks http function_trapped'), [...expected].sort());
    let messages: string[] = [];
    while (messages.filter((message) => /^function_trapped: /.test(message)).length < 2) {
      await betweenLooks();
      const { json } = await operator.api('GET', '/tenants/apart/functions/breaks/logs?limit=100');
      messages = json.map(({ message }: { message: string }) => message);
    }
    t.deepEqual(
      messages.filter((message) => /worker_lost/.test(message)),
      [],
    );
    t.is((await operator.quota('apart', 'concurrency')).used, others.length);
    gone.abort();
    t.deepEqual(await Promise.all(others), Array(others.length).fill('AbortError'));
    await operator.untilUsed('apart', 'concurrency', 0);
    for (const _ of others) expected.push('sleeps http caller_gone');
  },
);

test.serial('who hangs up pays for what was used, once', async (t) => {
  const gone = new AbortController();
  const hungUp = fetch(`${host.origin}/fn/apart/sleeps/`, { signal: gone.signal }).catch(() => 'gone');
  await operator.untilUsed('apart', 'concurrency', 1);
  gone.abort();
  t.is(await hungUp, 'gone');
  expected.push('sleeps http caller_gone');
  while ((await records()).length < expected.length) await betweenLooks();
  t.deepEqual(await recordsWith('sleeps http caller_gone'), [...expected].sort());
  t.true((await records()).find(({ outcome }) => outcome === 'caller_gone')!.billed);
});

test.serial(
  'what a process that is killed was running is told in its place, and is on no bill',
  async (t) => {
    const running = [operator.call('apart', 'sleeps'), operator.call('apart', 'sleeps')];
    await operator.untilUsed('apart', 'concurrency', 2);
    process.kill(processOfTenant(), 'SIGKILL');
    const ids = (await Promise.all(running)).map(({ headers, text }) => {
      t.is(JSON.parse(text).code, 'worker_lost');
      return String(headers['mayfly-invocation-id']);
    });
    while ((await records()).length < expected.length + 2) await betweenLooks();
    expected.push('sleeps http worker_lost', 'sleeps http worker_lost');
    // What might have been told of in place of the process that lived has been told by now, too: no record is there twice.
    t.deepEqual(await recordsWith('sleeps http worker_lost'), [...expected].sort());
    const lost = (await records()).filter(({ outcome }) => outcome === 'worker_lost');
    t.deepEqual(lost.map(({ invocationId }) => invocationId).sort(), ids.sort());
    t.true(lost.every(({ billed, fuel }) => !billed && fuel === 0));
  },
);

test.serial('what is answered just before the host stops is told, too', async (t) => {
  let answer = await operator.call('apart', 'ok');
  while (answer.status === 500) {
    expected.push('ok http worker_lost');
    answer = await operator.call('apart', 'ok');
  }
  t.is(answer.status, 200);
  await host.stop();
  await host.start();
  expected.push('ok http returned');
  t.deepEqual(await recordsWith('ok http returned'), [...expected].sort());
  const ids = (await records()).map(({ invocationId }) => invocationId);
  t.true(ids.includes(String(answer.headers['mayfly-invocation-id']) as (typeof ids)[number]));
});
