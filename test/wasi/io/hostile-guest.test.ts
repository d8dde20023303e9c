/** A guest written by hand, which breaks the rules of the interfaces on purpose. */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import test from 'ava';
import { createImports } from '../../../host/wasi/imports.ts';
import { createFakeContext, type FakeContext } from '../fake-context.ts';
import { type GuestComponent, loadComponent } from '../guest-component.ts';

const WIT = `
package test:guest;
world guest {
  import wasi:io/poll@0.2.0;
  import wasi:io/streams@0.2.0;
  import wasi:cli/stdout@0.2.0;
  import wasi:clocks/monotonic-clock@0.2.0;
  import wasi:random/random@0.2.0;
  export act: func(what: u32) -> u32;
}
package wasi:io@0.2.0 {
  interface error { resource error; }
  interface poll {
    resource pollable { block: func(); }
    poll: func(in: list<borrow<pollable>>) -> list<u32>;
  }
  interface streams {
    use error.{error};
    variant stream-error { last-operation-failed(error), closed }
    resource output-stream {
      check-write: func() -> result<u64, stream-error>;
      write: func(contents: list<u8>) -> result<_, stream-error>;
      blocking-flush: func() -> result<_, stream-error>;
    }
  }
}
package wasi:cli@0.2.0 {
  interface stdout { use wasi:io/streams@0.2.0.{output-stream}; get-stdout: func() -> output-stream; }
}
package wasi:clocks@0.2.0 {
  interface monotonic-clock { use wasi:io/poll@0.2.0.{pollable}; subscribe-duration: func(when: u64) -> pollable; }
}
package wasi:random@0.2.0 {
  interface random { get-random-bytes: func(len: u64) -> list<u8>; }
}
`;

/** Results and lists come back through memory at 16; the text to write lies at 64. */
const WAT = `
(module
  (import "wasi:io/poll@0.2.0" "poll" (func $poll (param i32 i32 i32)))
  (import "wasi:io/poll@0.2.0" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.check-write" (func $check (param i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.write" (func $write (param i32 i32 i32 i32)))
  (import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-flush" (func $flush (param i32 i32)))
  (import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
  (import "wasi:clocks/monotonic-clock@0.2.0" "subscribe-duration" (func $timer (param i64) (result i32)))
  (import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
  (memory (export "memory") 1)
  (global $top (mut i32) (i32.const 1024))
  (data (i32.const 64) "hello")
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.get $top)
    (global.set $top (i32.add (global.get $top) (local.get 3))))
  (func (export "act") (param $what i32) (result i32) (local $handle i32)
    (block $flood (block $enormous (block $sleep (block $polite (block $greedy (block $forged-poll (block $forged (block $empty
      (br_table $empty $forged $forged-poll $greedy $polite $sleep $enormous $flood (local.get $what)))
      ;; 0: poll nothing
      (call $poll (i32.const 0) (i32.const 0) (i32.const 16))
      (return (i32.const 1)))
      ;; 1: block on a handle that was never given
      (call $block (i32.const 77))
      (return (i32.const 1)))
      ;; 2: poll such a handle
      (i32.store (i32.const 32) (i32.const 77))
      (call $poll (i32.const 32) (i32.const 1) (i32.const 16))
      (return (i32.const 1)))
      ;; 3: write without a permit
      (call $write (call $stdout) (i32.const 64) (i32.const 5) (i32.const 16))
      (return (i32.const 1)))
      ;; 4: write as one should
      (local.set $handle (call $stdout))
      (call $check (local.get $handle) (i32.const 16))
      (call $write (local.get $handle) (i32.const 64) (i32.const 5) (i32.const 32))
      (call $flush (local.get $handle) (i32.const 48))
      (return (i32.or (i32.load8_u (i32.const 32)) (i32.load8_u (i32.const 48)))))
      ;; 5: sleep for a microsecond, by poll
      (i32.store (i32.const 32) (call $timer (i64.const 1000)))
      (call $poll (i32.const 32) (i32.const 1) (i32.const 16))
      (return (i32.load (i32.const 20))))
      ;; 6: ask for 2^40 random bytes
      (call $random (i64.const 1099511627776) (i32.const 16))
      (return (i32.const 1)))
    ;; 7: take handles for ever
    (loop $more (drop (call $stdout)) (br $more))
    (unreachable)))
`;

const ACTIONS = ['empty', 'forged', 'forged-poll', 'greedy', 'polite', 'sleep', 'enormous', 'flood'] as const;

let guest: GuestComponent;

test.before(async () => {
  const core = await componentEmbed({ binary: await parse(WAT), witSource: WIT, world: 'guest' });
  guest = await loadComponent(await componentNew(core, []), ['act']);
});

async function act(context: FakeContext, action: (typeof ACTIONS)[number]): Promise<unknown> {
  const { act: call } = await guest.instantiate(createImports(context));
  return await call?.(ACTIONS.indexOf(action));
}

/** Whether the call is still pending after everything that was under way has had its turn. */
async function isPending(call: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  call.then(settle, settle);
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
  return !settled;
}

for (const action of ['empty', 'forged-poll'] as const) {
  test(`poll that must not be (${action}) ends the invocation, and does not come back`, async (t) => {
    const context = createFakeContext();
    t.true(await isPending(act(context, action)));
    t.is(context.terminations[0]?.code, 'function_trapped');
  });
}

test('a forged pollable blocks its own guest only', async (t) => {
  t.true(await isPending(act(createFakeContext(), 'forged')));
});

test('writing without a permit traps', async (t) => {
  const context = createFakeContext();
  await t.throwsAsync(act(context, 'greedy'), { message: /check-write permitted 0/ });
  t.is(context.stdout.text, '');
});

test('writing with a permit and flushing works', async (t) => {
  const context = createFakeContext();
  t.is(await act(context, 'polite'), 0);
  t.is(context.stdout.text, 'hello');
});

test('a guest that polls a timer is woken by it', async (t) => {
  const context = createFakeContext();
  const sleeping = act(context, 'sleep');
  while (context.clock.sleepers === 0) await new Promise(setImmediate);
  context.clock.advance(1000n);
  t.is(await sleeping, 1, 'the list of ready indexes has one entry');
});

test('an enormous list of random bytes ends the invocation before it is made', async (t) => {
  const context = createFakeContext();
  await t.throwsAsync(act(context, 'enormous'));
  t.is(context.terminations[0]?.code, 'function_trapped');
});

test('a flood of handles ends the invocation', async (t) => {
  const context = createFakeContext();
  await t.throwsAsync(act(context, 'flood'));
  t.regex(context.terminations[0]?.detail ?? '', /handles/);
});
