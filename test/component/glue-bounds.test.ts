/** What a guest of jco's glue can make the host keep: no more than on our own road. */
import test from 'ava';
import { Glue } from '../../host/instance/glue.ts';
import { startGlue } from '../../host/instance/glue-guest.ts';
import { GuestTimers } from '../../host/instance/guest-timers.ts';
import { LIFTED_BYTES_PER_CALL, STREAM_BUFFER_BYTES } from '../../host/limits/limits.ts';
import type { GuestStream } from '../../host/wasi/io/async-streams.ts';
import { type BothRoads, bothRoads, type Imports, newGuest } from './both-roads.ts';

/** What each call of `keep` passes. */
const TEXT_BYTES = 1024 * 1024;
/** With what a text takes beside its characters. */
const MOST_TEXTS = Math.floor(LIFTED_BYTES_PER_CALL / (TEXT_BYTES + 192));

const COMPONENT = `(component
  (import "test:host/api" (instance $api
    (export "keep" (func async (param "text" string)))
    (export "take" (func (param "lists" (list (list u8)))))
    (export "read" (func (param "bytes" (stream u8))))))
  (type $bytes (stream u8))
  (core module $libc
    (memory (export "memory") 32)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $keep (canon lower (func $api "keep") async (memory $memory)))
  (core func $take (canon lower (func $api "take") (memory $memory)))
  (core func $read (canon lower (func $api "read")))
  (core func $stream-new (canon stream.new $bytes))
  (core func $write (canon stream.write $bytes async (memory $memory)))
  (core func $set-new (canon waitable-set.new))
  (core func $join (canon waitable.join))
  (core func $error-new (canon error-context.new (memory $memory)))
  (core func $error-message (canon error-context.debug-message (memory $memory) (realloc $realloc)))
  (core func $return (canon task.return (result u32)))
  (core module $M
    (import "" "memory" (memory 1))
    (import "" "keep" (func $keep (param i32 i32) (result i32)))
    (import "" "take" (func $take (param i32 i32)))
    (import "" "read" (func $read (param i32)))
    (import "" "stream-new" (func $stream-new (result i64)))
    (import "" "write" (func $write (param i32 i32 i32) (result i32)))
    (import "" "set-new" (func $set-new (result i32)))
    (import "" "join" (func $join (param i32 i32)))
    (import "" "error-new" (func $error-new (param i32 i32) (result i32)))
    (import "" "error-message" (func $error-message (param i32 i32)))
    (import "" "return" (func $return (param i32)))
    ;; A message of n bytes: how long it is that the host has kept.
    (func (export "message") (param $n i32) (result i32)
      (call $error-message (call $error-new (i32.const 0) (local.get $n)) (i32.const 64))
      (call $return (i32.load (i32.const 68))) (i32.const 0))
    ;; n calls, for none of which it waits.
    (func (export "keep") (param $n i32) (result i32) (local $made i32)
      (loop $more
        (drop (call $keep (i32.const 0) (i32.const ${TEXT_BYTES})))
        (br_if $more (i32.lt_u (local.tee $made (i32.add (local.get $made) (i32.const 1))) (local.get $n))))
      (call $return (local.get $n)) (i32.const 0))
    ;; n times the same list in one.
    (func (export "take") (param $n i32) (result i32) (local $at i32)
      (loop $more
        (i32.store offset=1048580 (i32.mul (local.get $at) (i32.const 8)) (i32.const ${TEXT_BYTES}))
        (br_if $more (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $n))))
      (call $take (i32.const 1048576) (local.get $n))
      (call $return (local.get $n)) (i32.const 0))
    ;; n bytes, all with one write, and how many were taken.
    (func (export "stream") (param $n i32) (result i32) (local $ends i64) (local $writable i32) (local $set i32)
      (local.set $ends (call $stream-new))
      (local.set $writable (i32.wrap_i64 (i64.shr_u (local.get $ends) (i64.const 32))))
      (call $read (i32.wrap_i64 (local.get $ends)))
      (drop (call $write (local.get $writable) (i32.const 0) (local.get $n)))
      (local.set $set (call $set-new))
      (call $join (local.get $writable) (local.get $set))
      (i32.or (i32.shl (local.get $set) (i32.const 4)) (i32.const 2)))
    (func (export "callback") (param $event i32) (param $waitable i32) (param $copied i32) (result i32)
      (call $return (i32.shr_u (local.get $copied) (i32.const 4)))
      (i32.const 0)))
  (core instance $m (instantiate $M (with "" (instance
    (export "memory" (memory $memory)) (export "keep" (func $keep)) (export "take" (func $take))
    (export "read" (func $read)) (export "stream-new" (func $stream-new)) (export "write" (func $write))
    (export "set-new" (func $set-new)) (export "join" (func $join))
    (export "error-new" (func $error-new)) (export "error-message" (func $error-message))
    (export "return" (func $return))))))
  (type $act (func async (param "n" u32) (result u32)))
  (func $message (type $act) (canon lift (core func $m "message") async (callback (core func $m "callback")) (memory $memory)))
  (func $keeps (type $act) (canon lift (core func $m "keep") async (callback (core func $m "callback")) (memory $memory)))
  (func $takes (type $act) (canon lift (core func $m "take") async (callback (core func $m "callback")) (memory $memory)))
  (func $stream (type $act) (canon lift (core func $m "stream") async (callback (core func $m "callback")) (memory $memory)))
  (instance $run (export "stream" (func $stream)) (export "message" (func $message)) (export "keep" (func $keeps)) (export "take" (func $takes)))
  (export "test:guest/run" (instance $run)))`;

const never = (): Promise<void> => new Promise(() => {});

/** As the host does, in pieces, no more of them than there are. */
async function drain(stream: GuestStream): Promise<void> {
  for (let piece = 0; piece < TEXT_BYTES / STREAM_BUFFER_BYTES; piece++)
    await stream.read({ count: STREAM_BUFFER_BYTES });
}

/** When the guest waits for that. */
function read(stream: GuestStream): void {
  setImmediate(() => void drain(stream));
}

let component: BothRoads;
test.before('read the component', async () => {
  component = await bothRoads(COMPONENT, 'test:guest/run');
});

for (const road of ['link', 'glue'] as const) {
  const started = async (keep = never): Promise<(name: string, n: number) => unknown> => {
    const imports: Imports = { 'test:host/api': { keep, take: () => {}, read } };
    const { exports } = await component[road](imports);
    return (name, n) => exports[name]!(n);
  };
  const called = async (name: string, n: number): Promise<unknown> => (await started())(name, n);

  test(`of a long message an error context keeps the beginning: ${road}`, async (t) => {
    t.is(await called('message', 1_024), 1_024);
    t.is(await called('message', 1_025), 1_024);
    t.is(await called('message', TEXT_BYTES), 1_024);
  });

  test(`calls that have not returned hold no more together than one may: ${road}`, async (t) => {
    t.is(await called('keep', MOST_TEXTS), MOST_TEXTS);
    await t.throwsAsync(called('keep', MOST_TEXTS + 1), { message: /have not returned/ });
    const call = await started(async () => {});
    t.is(await call('keep', 2 * MOST_TEXTS), 2 * MOST_TEXTS);
  });

  test(`one call passes no more, whatever lists it makes of the same bytes: ${road}`, async (t) => {
    const call = await started();
    t.is(await call('take', MOST_TEXTS - 1), MOST_TEXTS - 1);
    t.is(await call('take', MOST_TEXTS - 1), MOST_TEXTS - 1);
    await t.throwsAsync(called('take', MOST_TEXTS + 1), { message: /passed in one call/ });
  });

  test(`what is written to a stream is read in pieces: ${road}`, async (t) => {
    const copied = (await called('stream', TEXT_BYTES)) as number;
    t.true(copied >= STREAM_BUFFER_BYTES && copied <= TEXT_BYTES, `${copied}`);
  });
}

test('pieces of a stream are no part of a call, however many there are, and each is bounded as numbers', async (t) => {
  const charged = (charges: string): Promise<unknown> =>
    startGlue(newGuest().guest, {
      glue: new Glue(`return () => { ${charges} return {}; }`, 'glue'),
      modules: new Map(),
      imports: {},
      timers: new GuestTimers(),
    });
  const pieces = LIFTED_BYTES_PER_CALL / STREAM_BUFFER_BYTES + 1;
  const each = `for (let i = 0; i < ${pieces}; i++)`;
  await t.notThrowsAsync(charged(`${each} chargeRead(${STREAM_BUFFER_BYTES});`));
  await t.throwsAsync(charged(`${each} chargeLength(${STREAM_BUFFER_BYTES});`), { message: /in one call/ });
  await t.throwsAsync(charged(`chargeRead(${LIFTED_BYTES_PER_CALL / 8});`), { message: /in one call/ });
});
