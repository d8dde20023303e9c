/** A guest that comes to no check of its fuel keeps its thread: that is ended, everybody who waited for it is told, and who does it again is kept out. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { cCommand } from '../harness/guests.ts';
import { type Answer, type Json, startTestHost, type TestHost } from '../harness/host.ts';
import { LeakCheck } from '../harness/leaks.ts';
import { Operator } from '../harness/operator.ts';
import { RawConnection } from '../harness/raw-connection.ts';
import { SCRAPE_TOKEN, scrape, sumOf } from '../harness/scrape.ts';
import { LATER_ENDLESS, unmeterLoops } from '../harness/unmetered-loop.ts';
import { clockCommand, plainCommand } from '../harness/wat-commands.ts';

/** Says nothing before it has read all of its request. */
const SILENT = `
#include <unistd.h>
static char buffer[65536];
int main(void) {
  while (read(0, buffer, sizeof buffer) > 0);
  write(1, "Content-Type: text/plain\\n\\nheard", 31);
  return 0;
}
`;

/**
 * Where a guest is when it begins to loop: in its first slice, behind a park for its fuel, behind a wait, behind a call that might have waited, in a start
 * function.
 */
const HANGING: Readonly<Record<string, string>> = {
  'at-once': plainCommand(`(func (export "run") (result i32) ${LATER_ENDLESS})`),
  'behind-slices': plainCommand(`(func (export "run") (result i32) (local $i i32)
    (loop $again (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 10000000))))
    ${LATER_ENDLESS})`),
  'behind-a-wait': clockCommand(
    `(func (export "run") (result i32) (call $sleep (i64.const 1000000)) ${LATER_ENDLESS})`,
  ),
  'behind-no-wait': clockCommand(
    `(func (export "run") (result i32) (call $sleep (i64.const 0)) ${LATER_ENDLESS})`,
  ),
  'at-start': plainCommand(
    `(func $s (drop ${LATER_ENDLESS})) (start $s) (func (export "run") (result i32) (i32.const 0))`,
  ),
};

/** Milliseconds enough for whoever waits beside it to be there when the thread is lost. */
const NAP = clockCommand(
  '(func (export "run") (result i32) (call $sleep (i64.const 4000000000)) (i32.const 0))',
);

let leaks: LeakCheck;
let host: TestHost;
let operator: Operator;
test.before(async () => {
  // The parser keeps a thread of its own, from its first use on.
  const hanging = await Promise.all(
    Object.entries(HANGING).map(async ([name, wat]) => [name, await parse(wat)] as const),
  );
  leaks = new LeakCheck();
  // One thread, so that everybody shares it.
  host = await startTestHost({
    env: {
      MAYFLY_THREADS: '1',
      MAYFLY_SPARE_THREADS: '1',
      MAYFLY_THREAD_HUNG_MS: '1000',
      MAYFLY_METRICS_TOKEN: SCRAPE_TOKEN,
    },
  });
  operator = new Operator(host);
  await operator.tenant('victim');
  await operator.tenant('attacker');
  const patient = { timeoutMs: 60_000 };
  await operator.deploy('victim', 'silent', await cCommand(SILENT), patient);
  await operator.deploy('victim', 'nap', await parse(NAP), patient);
  for (const [name, component] of hanging) await operator.deploy('attacker', name, component, patient);
  await host.stop();
  await unmeterLoops(host.config.dataDir);
  await host.start();
});
test.after.always(async () => {
  await host.dispose();
  await leaks.settled();
});

/** Asks until it is answered: connections of before were those of a thread that is gone. */
async function answered<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    const answer = await ask().catch(() => undefined);
    if (answer !== undefined) return answer;
    await betweenLooks();
  }
}

async function until(path: string, holds: (json: Json) => boolean): Promise<Json> {
  for (;;) {
    const { status, json } = await answered(() => operator.api('GET', path));
    // It may be told of the loss itself.
    if (status === 200 && holds(json)) return json;
    await betweenLooks();
  }
}

function codeOf({ text }: Answer): string {
  return JSON.parse(text).code;
}

/** In flight on the thread, until its body ends. */
async function begun(): Promise<RawConnection> {
  const connection = await RawConnection.open(host.running.port);
  await connection.send('POST /fn/victim/silent/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
  await operator.untilUsed('victim', 'concurrency', 1);
  return connection;
}

async function hungThreads(): Promise<number> {
  return sumOf(await answered(() => scrape(host)), 'mayfly_threads_hung_total', {});
}

for (const name of ['at-once', 'behind-slices', 'behind-a-wait', 'behind-no-wait']) {
  test.serial(`a thread that a guest keeps is ended, and who shared it is told: ${name}`, async (t) => {
    const before = await hungThreads();
    const bystander = await answered(begun);
    const answer = await operator.call('attacker', name);
    t.is(answer.status, 500);
    t.is(codeOf(answer), 'worker_lost');
    t.regex(JSON.parse(answer.text).detail, /a guest has kept it/);
    t.regex(await bystander.until(/}$/), /^HTTP\/1\.1 500 .*"code":"worker_lost"/s);
    bystander.destroy();

    t.is((await answered(() => host.request('/healthz'))).status, 200);
    t.is(await hungThreads(), before + 1);
    const [record] = await until(`/tenants/attacker/functions/${name}/logs`, (records) => records.length > 0);
    t.regex(
      record.message,
      /^worker_lost: Its invocation …[0-9a-f]{8} kept the serving thread without an end/,
    );
    const { rows } = await until(
      `/tenants/attacker/usage?level=record&function=${name}`,
      (usage) => usage.rows.length > 0,
    );
    t.is(rows.length, 1);
    t.like(rows[0], { outcome: 'worker_lost', billed: false });
    const reports = host.reports.filter((report) =>
      report.includes(`attacker/${name} version 1 has computed`),
    );
    t.is(reports.length, 1);
    t.true(reports[0]!.includes(/invocation …[0-9a-f]{8}/.exec(record.message)![0]));
    // What others are told does not name whose guest it was.
    const [other] = await until('/tenants/victim/functions/silent/logs', (records) => records.length > 0);
    t.is(other.message, 'worker_lost: The serving thread was lost: a guest has kept it.');
  });
}

test.serial('one that does it again and again is kept out, and nobody else is', async (t) => {
  // The first time was above.
  for (let i = 0; i < 2; i++) {
    const bystander = await answered(begun);
    t.is(codeOf(await operator.call('attacker', 'at-once')), 'worker_lost');
    await bystander.closed();
  }
  t.is(codeOf(await answered(() => operator.call('attacker', 'at-once'))), 'function_quarantined');
  const { quarantine } = await until('/tenants/attacker/functions/at-once', () => true);
  t.regex(quarantine.reason, /3 times within 10 minutes.*it kept the thread without an end/);
  const bystander = await answered(begun);
  await bystander.send('0\r\n\r\n');
  await bystander.until(/heard/);
  bystander.destroy();
});

test.serial('so is one whose start function hangs, whoever makes the instance', async (t) => {
  let answer: Answer;
  do answer = await answered(() => operator.call('attacker', 'at-start'));
  while (codeOf(answer) === 'worker_lost');
  t.is(codeOf(answer), 'function_quarantined');
  t.true(
    host.reports.some((report) =>
      /at-start version 1 has computed .*\(while an instance was made\)/.test(report),
    ),
  );
  t.is((await answered(() => host.request('/healthz'))).status, 200);
});

test.serial(
  'an event that hangs was an attempt; those beside it are handed out again, uncounted',
  async (t) => {
    const send = (tenant: string, name: string) =>
      host.request(`/v1/tenants/${tenant}/functions/${name}/invocations`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${host.running.adminKey.key}`,
          'mayfly-invocation-type': 'Event',
        },
        body: 'event',
      });
    await answered(() =>
      operator.api('PATCH', '/tenants/attacker/functions/behind-slices/event-invoke-config', {
        maximumAttempts: 1,
      }),
    );
    t.is((await answered(() => send('victim', 'nap'))).status, 202);
    await operator.untilUsed('victim', 'concurrency', 1);
    // The thread that has accepted it may hang before it says so.
    await send('attacker', 'behind-slices').catch(() => {});
    const { counts } = await until(
      '/tenants/attacker/functions/behind-slices/events',
      (events) => events.counts.dead === 1,
    );
    t.like(counts, { ready: 0, delayed: 0, inFlight: 0 });
    const letters = await until('/tenants/attacker/functions/behind-slices/events/dead-letters', () => true);
    t.is(letters.messages[0].cause.code, 'worker_lost');
    const { rows } = await until('/tenants/victim/usage?level=record&function=nap', (usage) =>
      usage.rows.some((row: Json) => row.outcome === 'returned'),
    );
    t.like(
      rows.find((row: Json) => row.outcome === 'returned'),
      { attempt: 1, trigger: 'async' },
    );
  },
);
