/** A function that serving threads die under is taken out of service, says why, and comes back when it is let. */
import type { Worker } from 'node:worker_threads';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { cCommand, ECHO } from '../harness/guests.ts';
import { startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { RawConnection } from '../harness/raw-connection.ts';
import { plainCommand } from '../harness/wat-commands.ts';

let host: TestHost;
let operator: Operator;
let thread: Worker;
test.before(async () => {
  // Node tells a process of every thread that is made in it.
  process.on('worker', (worker) => {
    thread = worker;
  });
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
  operator = new Operator(host);
  await operator.deploy('default', 'echo', await cCommand(ECHO), { timeoutMs: 60_000 });
});
test.after.always(() => host.dispose());

/** Answers once the thread that was killed has been replaced. */
async function served(path: string): Promise<{ status: number; code: string | undefined }> {
  for (;;) {
    const answer = await host.request(path).catch(() => undefined);
    if (answer === undefined) continue;
    return { status: answer.status, code: answer.status >= 400 ? JSON.parse(answer.text).code : undefined };
  }
}

/** Kills the thread while it runs the function; resolves when another one serves. */
async function killUnder(name: string): Promise<number> {
  const connection = await RawConnection.open(host.running.port);
  await connection.send(
    `POST /fn/default/${name}/ HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n`,
  );
  await connection.until(/first/);
  const killedMs = performance.now();
  await thread.terminate();
  await connection.closed();
  await served('/healthz');
  return performance.now() - killedMs;
}

test.serial(
  'at the third thread that dies under it a function is quarantined, and the log says so',
  async (t) => {
    for (let i = 0; i < 3; i++) {
      t.is((await served('/fn/default/echo/')).status, 200);
      await killUnder('echo');
    }
    t.deepEqual(await served('/fn/default/echo/'), { status: 503, code: 'function_quarantined' });
    const { json } = await operator.api('GET', '/tenants/default/functions/echo');
    t.is(json.quarantine.version, 1);
    t.regex(json.quarantine.reason, /lost.* 3 times/);
    t.true(Date.parse(json.quarantine.since) > Date.now() - 60_000);
    const messages = await host.logs('echo', 4);
    t.is(messages.filter((message) => /^worker_lost: /.test(message)).length, 3);
    t.is(messages.filter((message) => /^function_quarantined: /.test(message)).length, 1);
    t.true(host.reports.some((report) => /echo version 1 is quarantined/.test(report)));
  },
);

test.serial('a quarantine outlives the host', async (t) => {
  await host.stop();
  await host.start();
  t.deepEqual(await served('/fn/default/echo/'), { status: 503, code: 'function_quarantined' });
});

test.serial('a new version is not concerned, the old one stays quarantined', async (t) => {
  t.is((await served('/fn/default/echo/')).code, 'function_quarantined');
  await operator.deploy(
    'default',
    'echo',
    await parse(plainCommand('(func (export "run") (result i32) (i32.const 0))')),
  );
  t.is((await served('/fn/default/echo/')).status, 200);
  await operator.api('PUT', '/tenants/default/functions/echo/live', { version: 1 });
  t.is((await served('/fn/default/echo/')).code, 'function_quarantined');
});

test.serial('it is lifted by a call, and the function answers at once', async (t) => {
  t.is((await operator.api('DELETE', '/tenants/default/functions/echo/quarantine')).status, 204);
  t.deepEqual(await served('/fn/default/echo/'), { status: 200, code: undefined });
  t.is((await operator.api('GET', '/tenants/default/functions/echo')).json.quarantine, undefined);
});
