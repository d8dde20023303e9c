/** What a guest of jco's glue can make the host keep: no more than on our own road. */
import test from 'ava';
import { LIFTED_BYTES_PER_CALL } from '../../host/limits/limits.ts';
import { type BothRoads, bothRoads, type Imports } from './both-roads.ts';

/** What each call of `keep` passes. */
const TEXT_BYTES = 1024 * 1024;
/** With what a text takes beside its characters. */
const MOST_TEXTS = Math.floor(LIFTED_BYTES_PER_CALL / (TEXT_BYTES + 192));

const COMPONENT = `(component
  (import "test:host/api" (instance $api
    (export "keep" (func async (param "text" string)))
    (export "take" (func (param "lists" (list (list u8)))))))
  (core module $libc
    (memory (export "memory") 32)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $memory))
  (alias core export $libc "realloc" (core func $realloc))
  (core func $keep (canon lower (func $api "keep") async (memory $memory)))
  (core func $take (canon lower (func $api "take") (memory $memory)))
  (core func $error-new (canon error-context.new (memory $memory)))
  (core func $error-message (canon error-context.debug-message (memory $memory) (realloc $realloc)))
  (core func $return (canon task.return (result u32)))
  (core module $M
    (import "" "memory" (memory 1))
    (import "" "keep" (func $keep (param i32 i32) (result i32)))
    (import "" "take" (func $take (param i32 i32)))
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
    (func (export "callback") (param i32 i32 i32) (result i32) (i32.const 0)))
  (core instance $m (instantiate $M (with "" (instance
    (export "memory" (memory $memory)) (export "keep" (func $keep)) (export "take" (func $take))
    (export "error-new" (func $error-new)) (export "error-message" (func $error-message))
    (export "return" (func $return))))))
  (type $act (func async (param "n" u32) (result u32)))
  (func $message (type $act) (canon lift (core func $m "message") async (callback (core func $m "callback")) (memory $memory)))
  (func $keeps (type $act) (canon lift (core func $m "keep") async (callback (core func $m "callback")) (memory $memory)))
  (func $takes (type $act) (canon lift (core func $m "take") async (callback (core func $m "callback")) (memory $memory)))
  (instance $run (export "message" (func $message)) (export "keep" (func $keeps)) (export "take" (func $takes)))
  (export "test:guest/run" (instance $run)))`;

const never = (): Promise<void> => new Promise(() => {});

let component: BothRoads;
test.before('read the component', async () => {
  component = await bothRoads(COMPONENT, 'test:guest/run');
});

for (const road of ['link', 'glue'] as const) {
  const started = async (keep = never): Promise<(name: string, n: number) => unknown> => {
    const imports: Imports = { 'test:host/api': { keep, take: () => {} } };
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
}
