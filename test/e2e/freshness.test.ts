/** An invocation sees the state that its component starts with, and nothing of any other invocation. */
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test, { type ExecutionContext } from 'ava';
import { fuelOf, startTestHost, type TestHost, testHost } from '../harness/host.ts';
import { RawConnection } from '../harness/raw-connection.ts';
import { messengerText } from '../instance/freshness/messenger.ts';

/**
 * Counts its calls in a global, in memory, in a table and in a file, does what the first byte of its input
 * says (`t` traps, `s` spins for ever), and else writes the four counts.
 */
const COUNTER = `(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
  (type $number (func (result i32)))
  (memory (export "memory") 1)
  (global $calls (mut i32) (i32.const 0))
  (table $t 10 funcref)
  (elem (table $t) (i32.const 0) func $n1)
  (elem declare func $n2)
  (func $n1 (result i32) (i32.const 1))
  (func $n2 (result i32) (i32.const 2))
  (data (i32.const 64) "tmp/calls")
  ;; iovec of the four digits at 100, of one byte at 120
  (data (i32.const 80) "\\64\\00\\00\\00\\04\\00\\00\\00")
  (data (i32.const 88) "\\78\\00\\00\\00\\01\\00\\00\\00")
  (func $must (param i32) (if (local.get 0) (then unreachable)))
  (func (export "_start") (local $file i32) (local $page i32)
    ;; global
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.store8 (i32.const 100) (i32.add (i32.const 48) (global.get $calls)))
    ;; memory, and the page that it grows by
    (i32.store (i32.const 512) (i32.add (i32.load (i32.const 512)) (i32.const 1)))
    (local.set $page (i32.mul (memory.grow (i32.const 1)) (i32.const 65536)))
    (i32.store8 (i32.const 101) (i32.add (i32.const 48)
      (i32.add (i32.load (i32.const 512)) (i32.load (local.get $page)))))
    (i32.store (local.get $page) (i32.const 1))
    ;; table
    (i32.store8 (i32.const 102) (i32.add (i32.const 48) (call_indirect $t (type $number) (i32.const 0))))
    (table.set $t (i32.const 0) (ref.func $n2))
    ;; file: its first byte is the count so far, or there is none
    (call $must (call $open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 1)
      (i64.const 70) (i64.const 0) (i32.const 0) (i32.const 200)))
    (local.set $file (i32.load (i32.const 200)))
    (i32.store8 (i32.const 120) (i32.const 48))
    (call $must (call $read (local.get $file) (i32.const 88) (i32.const 1) (i32.const 204)))
    (i32.store8 (i32.const 120) (i32.add (i32.load8_u (i32.const 120)) (i32.const 1)))
    (call $must (call $seek (local.get $file) (i64.const 0) (i32.const 0) (i32.const 208)))
    (call $must (call $write (local.get $file) (i32.const 88) (i32.const 1) (i32.const 204)))
    (i32.store8 (i32.const 103) (i32.load8_u (i32.const 120)))

    (i32.store8 (i32.const 120) (i32.const 0))
    (call $must (call $read (i32.const 0) (i32.const 88) (i32.const 1) (i32.const 204)))
    (if (i32.eq (i32.load8_u (i32.const 120)) (i32.const 0x74)) (then unreachable))
    (if (i32.eq (i32.load8_u (i32.const 120)) (i32.const 0x73)) (then (loop $for-ever (br $for-ever))))
    (call $must (call $write (i32.const 1) (i32.const 80) (i32.const 1) (i32.const 204)))))`;

let host: TestHost;
test.before(async () => {
  host = await startTestHost({ env: { MAYFLY_THREADS: '3' } });
  await host.deploy('counter', await parse(COUNTER), { timeoutMs: 60_000, fuel: 100_000_000 });
});
test.after.always(() => host.dispose());

test('every call counts itself as the first, on every thread, after traps and exhausted fuel', async (t) => {
  const first = await host.call('counter');
  t.is(first.status, 200, first.text);
  t.is(first.text, '1111');
  const fuel = fuelOf(first);
  for (let round = 0; round < 5; round++) {
    // Connections of their own, so that all threads are asked.
    const options = { headers: { connection: 'close' } };
    const [traps, spins, ...answers] = await Promise.all([
      host.failure('counter', '/', { method: 'POST', body: 't', ...options }),
      host.failure('counter', '/', { method: 'POST', body: 's', ...options }),
      ...Array.from({ length: 20 }, () => host.call('counter', '/', options)),
    ]);
    t.deepEqual([traps, spins], ['function_trapped', 'fuel_exhausted']);
    for (const answer of answers) {
      t.is(answer.text, '1111');
      t.is(fuelOf(answer), fuel);
    }
  }
});

/** What the guest of `messenger.wat` answers and uses, again and again on the one thread there is, after each bad end. */
async function answersOn(t: ExecutionContext, road: string): Promise<readonly string[]> {
  const one = await testHost(t, { env: { MAYFLY_THREADS: '1', MAYFLY_REWIND: road } });
  // Of all that it looks at, only the time is not the same each time.
  const text = await messengerText(['(call $note64 (call $now))', '']);
  await one.deploy('messenger', await parse(text), {
    fuel: 5_000_000,
    memoryBytes: 2 ** 20,
    timeoutMs: 30_000,
  });
  // Time for every answer on a busy machine, and the wait for the one call that sleeps.
  await one.deploy('sleeper', await parse(text), { timeoutMs: 1_500 });
  const answers: string[] = [];
  const ask = async (name: string): Promise<void> => {
    const answer = await one.call(name, '/', { method: 'POST', body: 'r' });
    answers.push(`${answer.status} ${fuelOf(answer)} ${Buffer.from(answer.text, 'latin1').toString('hex')}`);
  };
  const ends = [
    // An answer may break off.
    ...[...'etwfmpu'].map(
      (how) => () => one.call('messenger', '/', { method: 'POST', body: how }).catch(() => undefined),
    ),
    () => one.call('sleeper', '/', { method: 'POST', body: 's' }).catch(() => undefined),
    async () => {
      const connection = await RawConnection.open(Number(new URL(one.origin).port));
      await connection.send('POST /fn/default/messenger HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nR');
      await connection.until(/^HTTP\/1\.1 200/);
      const before = (await one.logs('messenger', 0)).length;
      connection.socket.destroy();
      await one.logs('messenger', before + 1);
    },
  ];
  await ask('messenger');
  await ask('sleeper');
  for (const end of ends) {
    await end();
    for (const name of ['messenger', 'messenger', 'sleeper']) await ask(name);
  }
  return answers;
}

test('one thread, whichever way it puts instances back, gives every caller the first answer', async (t) => {
  const seen = new Set<string>();
  for (const road of ['auto', 'fresh']) {
    for (const answer of await answersOn(t, road)) seen.add(answer);
  }
  t.is(seen.size, 1, [...seen].join('\n'));
  t.regex([...seen][0]!, /^200 \d+ 01000000/);
});
