/** Guests that never end by themselves: each is ended at its next check, wherever it is, and nobody else waits for it. */
import { connect, type Socket } from 'node:net';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import { startTestHost, type TestHost } from '../harness/host.ts';
import {
  argumentsCommand,
  clockCommand,
  FOREVER,
  plainCommand,
  writingCommand,
} from '../harness/wat-commands.ts';

/** Limits that are not to be met unless a test says so. */
const PATIENT = { fuel: 1_000_000_000_000, timeoutMs: 100_000 };

const run = (code: string): string => `(func (export "run") (result i32) ${code})`;

const GUESTS: Readonly<Record<string, string>> = {
  small: plainCommand(run('(i32.const 0)')),
  computing: plainCommand(run(FOREVER)),
  starting: plainCommand(`(func $start ${FOREVER}) (start $start) ${run('(i32.const 0)')}`),
  allocating: argumentsCommand(FOREVER),
  receiving: argumentsCommand(
    '(i32.const 1024)',
    '(loop $again (call $args (i32.const 8)) (br $again)) unreachable',
  ),
  asking: clockCommand(run('(loop $again (drop (call $now)) (br $again)) unreachable')),
  sleeping: clockCommand(run('(call $sleep (i64.const 3600000000000)) (i32.const 0)')),
  napping: clockCommand(run('(loop $again (call $sleep (i64.const 1)) (br $again)) unreachable')),
  writing: writingCommand('(loop $again (drop (call $write)) (br $again)) unreachable'),
};

let host: TestHost;

test.before(async () => {
  // One thread, so that everybody is in everybody's way.
  host = await startTestHost({ env: { MAYFLY_THREADS: '1' } });
  for (const [name, wat] of Object.entries(GUESTS)) await host.deploy(name, await parse(wat), PATIENT);
});
test.after.always(() => host.dispose());

let copies = 0;
/** The same guest as a function of its own, with settings of its own. */
async function withSettings(name: string, settings: Record<string, number>): Promise<string> {
  const copy = `${name}-${++copies}`;
  await host.deploy(copy, await parse(GUESTS[name]!), { ...PATIENT, ...settings });
  return copy;
}

/** Others are served while something runs: the caller says what shows that it has not ended before. */
async function othersAreServed(t: ExecutionContext): Promise<void> {
  for (let i = 0; i < 5; i++) t.is((await host.call('small')).status, 200);
}

/** A caller that asks and reads nothing. */
function silentCaller(name: string, on: TestHost = host): Promise<Socket> {
  const { hostname, port } = new URL(on.origin);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => {
      socket.pause();
      socket.write(`GET /fn/default/${name}/ HTTP/1.1\r\nHost: test\r\n\r\n`);
      resolve(socket);
    });
    socket.on('error', reject);
  });
}

/** The thread has read what was sent to it before: it serves others several times over, and then refuses this one. */
async function inFlight(name: string, on: TestHost = host): Promise<void> {
  for (let i = 0; i < 5; i++) await on.call('small');
  const { status } = await on.call(name);
  if (status !== 429) throw new Error(`${name} is not running: another call gets ${status}`);
}

for (const name of ['computing', 'asking', 'receiving', 'napping', 'sleeping']) {
  test.serial(`${name} for ever ends at the timeout`, async (t) => {
    t.is(await host.failure(await withSettings(name, { timeoutMs: 1_000 })), 'timed_out');
  });

  test.serial(
    `${name} for ever ends when its caller hangs up, and others are served meanwhile`,
    async (t) => {
      const copy = await withSettings(name, { concurrency: 1 });
      const socket = await silentCaller(copy);
      await inFlight(copy);
      await othersAreServed(t);
      socket.destroy();
      const [message] = await host.logs(copy, 1);
      t.regex(message!, /^caller_gone/);
    },
  );
}

for (const name of ['computing', 'asking', 'receiving', 'napping', 'starting', 'allocating']) {
  test.serial(`${name} for ever ends when its fuel is used up`, async (t) => {
    const copy = await withSettings(name, { fuel: 20_000_000 });
    const answer = await host.call(copy);
    t.is(JSON.parse(answer.text).code, 'fuel_exhausted');
    t.is(answer.headers['mayfly-fuel'], '20000000');
  });
}

test.serial('a loop of host calls gets as many as its fuel allows, and no other number', async (t) => {
  const counting = clockCommand(
    `(global $n (mut i32) (i32.const 0))
     ${run('(loop $again (drop (call $now)) (global.set $n (i32.add (global.get $n) (i32.const 1))) (br_if $again (i32.lt_u (global.get $n) (i32.const 100)))) (i32.const 0)')}`,
  );
  await host.deploy('counting', await parse(counting), PATIENT);
  const fuel = Number((await host.call('counting')).headers['mayfly-fuel']);
  t.true(fuel > 100 * 10_000, 'a call of the clock costs 10,000');
  t.true(fuel < 101 * 10_000 + 10_000, `and its loop next to nothing: ${fuel}`);
  await host.configure('counting', { fuel: 500_000 });
  t.is(await host.failure('counting'), 'fuel_exhausted');
});

test.serial('a write costs what a call that may wait costs, and one for each byte', async (t) => {
  const fuelOf = async (writes: number): Promise<number> => {
    const name = `writes-${writes}`;
    const wat = writingCommand(`${'(drop (call $write))'.repeat(writes)} (i32.const 0)`);
    await host.deploy(name, await parse(wat), PATIENT);
    const { headers, text } = await host.call(name);
    t.is(text.length, writes * 4_096);
    return Number(headers['mayfly-fuel']);
  };
  const [one, two, three] = [await fuelOf(1), await fuelOf(2), await fuelOf(3)];
  t.is(three - two, two - one);
  const code = two - one - 20_000 - 4_096;
  t.true(code > 0 && code < 20, `${code} for the code around it`);
});

for (const [name, where] of [
  ['allocating', /cabi_realloc or post-return/],
  ['starting', /start function/],
] as const) {
  test.serial(`${name} for ever, where nothing can be parked, ends after some slices`, async (t) => {
    const { status, text } = await host.call(name);
    t.is(status, 502);
    const { code, detail } = JSON.parse(text);
    t.is(code, 'function_trapped');
    t.regex(detail, where);
    t.is((await host.call('small')).status, 200);
  });
}

test.serial('writing to a caller that does not read ends at the timeout', async (t) => {
  const copy = await withSettings('writing', { timeoutMs: 1_000, responseBytes: 2 ** 34 });
  const socket = await silentCaller(copy);
  t.regex((await host.logs(copy, 1))[0]!, /^timed_out/);
  socket.destroy();
});

test.serial(
  'writing to a caller that does not read ends when that hangs up, and others are served meanwhile',
  async (t) => {
    const copy = await withSettings('writing', { concurrency: 1, responseBytes: 2 ** 34 });
    const socket = await silentCaller(copy);
    await inFlight(copy);
    await othersAreServed(t);
    socket.destroy();
    t.regex((await host.logs(copy, 1))[0]!, /^caller_gone/);
  },
);

test.serial('a drain whose time is up ends every guest, and tells its caller', async (t) => {
  const own = await startTestHost({ env: { MAYFLY_THREADS: '1', MAYFLY_DRAIN_TIMEOUT_MS: '300' } });
  t.teardown(() => own.dispose());
  const names = ['computing', 'asking', 'sleeping', 'napping'];
  await own.deploy('small', await parse(GUESTS['small']!));
  for (const name of names)
    await own.deploy(name, await parse(GUESTS[name]!), { ...PATIENT, concurrency: 1 });
  const failures = names.map((name) => own.failure(name));
  for (let i = 0; i < 20; i++) await own.call('small');
  await own.stop();
  t.deepEqual(await Promise.all(failures), ['draining', 'draining', 'draining', 'draining']);
});
