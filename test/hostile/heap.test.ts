/** Guests that fill their thread's heap with host objects are ended before the thread is, and in time kept out. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { type Answer, startTestHost, type TestHost } from '../harness/host.ts';
import { Operator } from '../harness/operator.ts';
import { plainCommand } from '../harness/wat-commands.ts';

/** As many streams as an instance may have, each an object of the host; then it holds them and computes. */
const STREAM_FLOOD = `(component
  (type $s (stream u8))
  (core func $new (canon stream.new $s))
  (core module $M
    (import "" "new" (func $new (result i64)))
    (func (export "run") (result i32) (local $i i32)
      (loop $again
        (drop (call $new))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if $again (i32.lt_u (local.get $i) (i32.const 4900))))
      (loop $again (br $again))
      unreachable))
  (core instance $m (instantiate $M (with "" (instance (export "new" (func $new))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (component $C (import "run" (func $r (result (result)))) (export "run" (func $r)))
  (instance $i (instantiate $C (with "run" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $i)))`;

/**
 * Error contexts, 2 KiB of message each, made in its start function, where it cannot be parked; then it holds them and computes.
 * @param items of the component
 */
const startFlood = (contexts: number, items = ''): string => `(component ${items}
  (core module $libc (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (core func $new (canon error-context.new (memory $memory)))
  (core module $M
    (import "" "memory" (memory 1))
    (import "" "new" (func $new (param i32 i32) (result i32)))
    (func $start (local $i i32)
      ;; Euro signs: two bytes each in the host.
      (loop $fill
        (i32.store16 (local.get $i) (i32.const 0x82e2))
        (i32.store8 offset=2 (local.get $i) (i32.const 0xac))
        (br_if $fill (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 3))) (i32.const 3072))))
      (local.set $i (i32.const 0))
      (loop $again
        (drop (call $new (i32.const 0) (i32.const 3072)))
        (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const ${contexts})))))
    (start $start)
    (func (export "run") (result i32) (loop $again (br $again)) unreachable))
  (core instance $m (instantiate $M (with "" (instance
    (export "new" (func $new)) (export "memory" (memory $memory))))))
  (func $run (result (result)) (canon lift (core func $m "run")))
  (component $C (import "run" (func $r (result (result)))) (export "run" (func $r)))
  (instance $i (instantiate $C (with "run" (func $run))))
  (export "wasi:cli/run@0.2.0" (instance $i)))`;

/** Each of a tenant of its own: they begin in one turn of the event loop, and 64 MiB are not enough for them. */
const STARTING = 8;

let host: TestHost;
let operator: Operator;
test.before(async () => {
  // One thread, so that attacker and victim share it.
  host = await startTestHost({
    env: { MAYFLY_THREADS: '1', MAYFLY_THREAD_HEAP_BYTES: String(64 * 2 ** 20) },
  });
  operator = new Operator(host);
  await operator.tenant('attacker');
  await operator.tenant('victim');
  const patient = { fuel: 1_000_000_000_000, timeoutMs: 60_000 };
  await operator.deploy('attacker', 'flood', await parse(STREAM_FLOOD), patient);
  const small = plainCommand('(func (export "run") (result i32) (i32.const 0))');
  await operator.deploy('victim', 'small', await parse(small));
});
test.after.always(() => host.dispose());

/** The code of the problem that it answers with; whatever else it is, shown. */
function codeOf({ status, headers, text }: Answer): string {
  if (headers['content-type'] === 'application/problem+json') return JSON.parse(text).code;
  return `${status} ${text}`;
}

test.serial(
  'start functions that fill the heap together end where they stand, the thread goes on',
  async (t) => {
    const tenants = Array.from({ length: STARTING }, (_, i) => `starting-${i}`);
    const flood = await parse(startFlood(9_900));
    for (const tenant of tenants) {
      await operator.tenant(tenant);
      await operator.deploy(tenant, 'flood', flood, { fuel: 2_000_000_000, timeoutMs: 60_000 });
    }
    const answers = await Promise.all(tenants.map((tenant) => operator.call(tenant, 'flood')));
    // Those that there was room for go on, unless they are the ones that a later look ends.
    const codes = new Set(answers.map(codeOf));
    codes.delete('fuel_exhausted');
    t.deepEqual([...codes], ['thread_out_of_memory']);
    t.true(
      answers.some(({ text }) => /while the guest's start function could not be interrupted/.test(text)),
    );
    t.deepEqual(host.reports, []);
  },
);

for (const isolation of ['shared', 'process']) {
  test.serial(`a start function that alone fills the heap ends where it stands: ${isolation}`, async (t) => {
    const tenant = `alone-${isolation}`;
    await operator.tenant(tenant);
    await operator.api('PATCH', `/tenants/${tenant}/settings`, { isolation });
    // Resources of its own keep it on jco's glue, which counts no error contexts.
    const ownResources = '(type $r (resource (rep i32))) (core func $own (canon resource.new $r))';
    await operator.deploy(tenant, 'flood', await parse(startFlood(60_000, ownResources)), {
      fuel: 2_000_000_000,
      timeoutMs: 60_000,
    });
    const answer = await operator.call(tenant, 'flood');
    t.is(codeOf(answer), 'thread_out_of_memory');
    t.regex(answer.text, /while the guest's start function could not be interrupted/);
    t.deepEqual(host.reports, []);
  });
}

test('their invocations end with a code of the host, others are served meanwhile, in time they are quarantined', async (t) => {
  t.teardown(() => {
    for (const report of host.reports) t.log(report);
  });
  let isOver = false;
  const statuses: number[] = [];
  const victim = (async () => {
    while (!isOver) statuses.push((await operator.call('victim', 'small')).status);
  })();
  const codes: string[] = [];
  while (!codes.includes('function_quarantined')) {
    const answers = await Promise.all(Array.from({ length: 40 }, () => operator.call('attacker', 'flood')));
    codes.push(...answers.map(codeOf));
  }
  t.true(codes.includes('thread_out_of_memory'));
  t.deepEqual([...new Set(codes)].sort(), ['function_quarantined', 'thread_out_of_memory']);
  isOver = true;
  await victim;
  t.true(statuses.length > 0);
  t.deepEqual([...new Set(statuses)], [200]);
  t.deepEqual(
    host.reports.filter((report) => /serving thread/.test(report) && !/quarantined/.test(report)),
    [],
    'no thread was lost',
  );
});
