/** A serving thread that dies takes its own requests with it, and nothing else; who can be told of it is. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { betweenLooks } from '../harness/between-looks.ts';
import { cCommand, ECHO } from '../harness/guests.ts';
import { type Answer, startTestHost, type TestHost, testHost } from '../harness/host.ts';
import { LeakCheck } from '../harness/leaks.ts';
import { Operator } from '../harness/operator.ts';
import { RawConnection } from '../harness/raw-connection.ts';

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

/** Over two threads: that all of them land on one has a chance of 2^-23. */
const REQUESTS = 24;

const leaks = new LeakCheck();
const threads: Worker[] = [];
let host: TestHost;
test.before(async () => {
  // Node tells a process of every thread that is made in it; the host needs no door for this test.
  process.on('worker', (worker) => {
    if (worker.threadName !== 'mayfly-ledger') threads.push(worker);
  });
  host = await startTestHost();
  await host.deploy('echo', await cCommand(ECHO), { concurrency: REQUESTS, timeoutMs: 60_000 });
  await host.deploy('silent', await cCommand(SILENT), { timeoutMs: 60_000 });
});
test.after.always(async () => {
  await host.dispose();
  await leaks.settled();
});

/** A request that is in flight, answered in part, until its body ends. */
async function inFlight(): Promise<RawConnection> {
  const connection = await RawConnection.open(host.running.port);
  await connection.send(
    'POST /fn/default/echo/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n',
  );
  await connection.until(/first/);
  return connection;
}

async function finished(connection: RawConnection): Promise<string> {
  await connection.send('4\r\nlast\r\n0\r\n\r\n');
  const text = await connection.until(/last.*mayfly-fuel: \d+/s);
  connection.destroy();
  return text;
}

test.serial('its requests break off, all others end well, and another thread takes its place', async (t) => {
  t.is(threads.length, 2);
  const connections = await Promise.all(Array.from({ length: REQUESTS }, inFlight));
  t.is(await host.failure('echo'), 'too_many_invocations');

  const replaced = new Promise((resolve) => {
    process.once('worker', resolve);
  });
  const victim = threads[0]!;
  await victim.terminate();
  const known = await Promise.all(
    connections.map(async (connection) => {
      // A lost connection is closed by the kernel before the thread counts as ended.
      await connection.send('1\r\n+\r\n');
      return Promise.race([
        connection.closed().then(() => 'lost'),
        connection.until(/first.*\+/s).then(
          () => 'alive',
          () => 'lost',
        ),
      ]);
    }),
  );
  const alive = connections.filter((_, i) => known[i] === 'alive');
  const lost = REQUESTS - alive.length;
  t.true(lost > 0 && alive.length > 0, `${lost} lost, ${alive.length} alive`);

  // The places of the lost ones are free, and no more than these.
  const again = await Promise.all(Array.from({ length: lost }, inFlight));
  t.is(await host.failure('echo'), 'too_many_invocations');
  for (const connection of [...alive, ...again]) t.regex(await finished(connection), /first.*last/s);

  await replaced;
  t.true(host.reports.some((report) => /another/.test(report)));
});

test.serial('callers of which nothing was answered yet are told, and the log says the same', async (t) => {
  const connections = await Promise.all(
    Array.from({ length: REQUESTS }, async () => {
      const connection = await RawConnection.open(host.running.port);
      await connection.send(
        'POST /fn/default/silent/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      return connection;
    }),
  );
  const operator = new Operator(host);
  await operator.untilUsed('default', 'concurrency', REQUESTS);
  // The one that has served from the beginning: another may not listen yet.
  await threads[1]!.terminate();
  for (const connection of connections) void connection.send('0\r\n\r\n');
  const answers = await Promise.all(connections.map((connection) => connection.until(/heard|}$/)));
  const lost = answers.filter((answer) => /^HTTP\/1\.1 500 .*"code":"worker_lost"/s.test(answer)).length;
  const served = answers.filter((answer) => /^HTTP\/1\.1 200 .*heard/s.test(answer)).length;
  t.true(lost > 0);
  t.is(lost + served, REQUESTS);
  // Its connections of before may be those of the thread that is gone.
  while ((await host.request('/healthz').catch(() => undefined)) === undefined) await betweenLooks();
  const logged = await host.logs('silent', 1);
  t.regex(logged[0]!, /^worker_lost: The serving thread was lost: it ended\.$/);
  for (const connection of connections) connection.destroy();
});

test.serial('after the loss of every thread the host serves again', async (t) => {
  const before = threads.length;
  const replaced = new Promise<void>((resolve) => {
    process.on('worker', () => {
      if (threads.length >= before + 2) resolve();
    });
  });
  await Promise.all(threads.map((thread) => thread.terminate()));
  await replaced;
  // The new threads are about to listen.
  for (;;) {
    const answer = await host.call('echo', '/', { method: 'POST', body: 'hello' }).catch(() => undefined);
    if (answer === undefined) continue;
    t.is(answer.text, 'hello');
    break;
  }
  const deployed = await host.deploy('echo-too', await cCommand(ECHO));
  t.is(deployed.version, 1);
  t.is((await host.call('echo-too', '/', { method: 'POST', body: 'hello' })).text, 'hello');
});

// Alone: it hears of the threads of every host in this process.
test.serial('a thread that was loaded before takes the place of one that dies', async (t) => {
  const happened: string[] = [];
  const made: Worker[] = [];
  const loaded: Promise<unknown>[] = [];
  const onWorker = (worker: Worker): void => {
    if (worker.threadName === 'mayfly-ledger') return;
    made.push(worker);
    happened.push('made');
    // The first that it says.
    loaded.push(once(worker, 'message'));
    worker.on('message', ({ kind }: { kind: string }) => {
      if (kind === 'listening') happened.push('listens');
    });
  };
  process.on('worker', onWorker);
  t.teardown(() => process.off('worker', onWorker));
  const own = await testHost(t, { env: { MAYFLY_THREADS: '1', MAYFLY_SPARE_THREADS: '1' } });
  await own.deploy('echo', await cCommand(ECHO));
  for (const round of [0, 1]) {
    await loaded[round + 1];
    const listens = once(made[round + 1]!, 'message');
    await made[round]!.terminate();
    await listens;
    // The connection of before is that of the thread that is gone.
    let answer: Answer | undefined;
    while (answer === undefined)
      answer = await own.call('echo', '/', { method: 'POST', body: 'hello' }).catch(() => undefined);
    t.is(answer.text, 'hello');
  }
  // The next spare one is made when the last one has taken over, not before: it would be in its way.
  t.deepEqual(happened.slice(0, 6), ['made', 'listens', 'made', 'listens', 'made', 'listens']);
  t.is(own.reports.filter((report) => /serving thread 0 serves again, \d+ ms later/.test(report)).length, 2);
});
