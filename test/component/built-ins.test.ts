import test, { type ExecutionContext } from 'ava';
import { ComponentTrap } from '../../host/component/component-trap.ts';
import { LIFTED_BYTES_PER_CALL } from '../../host/limits/limits.ts';
import { type LinkedGuest, startLinked } from './linked-guest.ts';
import { TestHost } from './test-host.ts';
import { builtInsComponent, type WatComponent } from './wat-component.ts';

let component: WatComponent;

test.before('read the component', async () => {
  component = await builtInsComponent();
});

interface Started extends LinkedGuest {
  readonly host: TestHost;
  run(name: string, argument?: number): Promise<unknown>;
}

function start(t: ExecutionContext): Started {
  const host = new TestHost();
  const linked = startLinked(component, { imports: host.imports });
  t.teardown(() => linked.guest.end());
  return { ...linked, host, run: (name, argument = 0) => linked.component.exports[name]!(argument) };
}

async function traps(
  t: ExecutionContext,
  name: string,
  message: RegExp,
  argument = 0,
  isJoinLate = false,
): Promise<void> {
  const { host, run, traps: seen } = start(t);
  host.isJoinLate = isJoinLate;
  await t.throwsAsync(run(name, argument), { instanceOf: ComponentTrap, message }, name);
  t.true(seen.length > 0, `${name}: the engine hears of it`);
}

test('a subtask returns through an event, with its result in memory', async (t) => {
  const { host, run } = start(t);
  const result = run('subtask', 5);
  await host.waiting(1);
  host.waits.get(5)!(42);
  t.is(await result, 42);
});

test('two subtasks are in flight together, and return in any order', async (t) => {
  const { host, run } = start(t);
  const result = run('two-subtasks', 5);
  await host.waiting(2);
  host.waits.get(6)!(300);
  host.waits.get(5)!(21);
  t.is(await result, 321);
});

test('a cancelled subtask is over at once, and what comes of it later touches nothing', async (t) => {
  const { host, run, traps: seen } = start(t);
  t.is(await run('cancelled-subtask', 5), 4);
  host.waits.get(5)!(42);
  t.is(await run('yield', 3), 3);
  t.deepEqual(seen, []);
});

test('tasks keep contexts of their own while others run', async (t) => {
  const { host, run } = start(t);
  const results = [run('context', 1), run('context', 2)];
  await host.waiting(2);
  host.waits.get(1)!(0);
  host.waits.get(2)!(0);
  t.deepEqual(await Promise.all(results), [1, 2]);
});

test('a callback is called for a yield and for an event', async (t) => {
  const { host, run } = start(t);
  t.is(await run('callback-yield', 9), 9);
  const result = run('callback-wait', 5);
  await host.waiting(1);
  host.waits.get(5)!(42);
  t.is(await result, 542);
});

test('tasks with callbacks run one at a time, but wait together', async (t) => {
  const { host, run } = start(t);
  const results = [run('callback-wait', 1), run('callback-yield', 8), run('callback-yield', 9)];
  t.deepEqual(await Promise.all(results.slice(1)), [8, 9]);
  host.waits.get(1)!(23);
  t.is(await results[0], 123);
});

test('a guest under backpressure takes calls when it says so', async (t) => {
  const { host, run } = start(t);
  const pressing = run('press', 1);
  const held = run('yield', 2);
  await host.waiting(1);
  let isHeld = true;
  held.then(() => {
    isHeld = false;
  });
  await new Promise(setImmediate);
  t.true(isHeld);
  host.waits.get(1)!(0);
  t.deepEqual(await Promise.all([pressing, held]), [1, 2]);
});

test('a host stream is read to its end in the guest buffer, whatever the sizes are', async (t) => {
  const { host, run } = start(t);
  host.chunks = [
    new Uint8Array(3),
    new Uint8Array(1000),
    Promise.resolve(new Uint8Array(77)),
    new Uint8Array(1),
  ];
  for (const size of [1, 7, 1024, 4096]) t.is(await run('read-numbers', size), 1081);
  host.chunks = [Uint8Array.of(7, 8, 9)];
  t.is(await run('read-numbers-sync', 2), 0x2007, 'two bytes, completed; the first is 7');
});

test('what the host knows already is read without an event', async (t) => {
  const { host, run } = start(t);
  host.eagerChunks = [Uint8Array.of(1, 2, 3, 4, 5)];
  t.is(await run('known-bytes', 3), 0x30_20, 'three bytes, then the other two');
});

test('a cancelled read loses nothing, and a dropped stream is closed', async (t) => {
  const { host, run } = start(t);
  const chunk = Promise.withResolvers<Uint8Array>();
  host.chunks = [chunk.promise];
  const result = run('cancelled-read', 0);
  await host.waiting(1);
  chunk.resolve(Uint8Array.of(1, 2, 3));
  host.waits.get(1)!(0);
  t.is(await result, 0x02_30, 'cancelled with nothing, then three bytes');
  host.chunks = [new Promise(() => {})];
  t.is(await run('cancelled-read', 1), 2);
  t.true(host.isNumbersClosed);
});

test('the host reads a stream of the guest in the pieces that it asks for', async (t) => {
  const { host, run } = start(t);
  const result = run('write-bytes', 1000);
  await Promise.resolve();
  const sizes: number[] = [];
  for (;;) {
    const { value, done } = await host.taken.read({ count: 400 });
    if (value !== undefined) {
      t.true(value instanceof Uint8Array);
      sizes.push(value.length);
    }
    if (done) break;
  }
  t.deepEqual(sizes, [400, 400, 200]);
  t.is(await result, 1000 << 4);
  t.deepEqual(await host.taken.read({ count: 1 }), { value: undefined, done: true });
});

test('a read that waits takes what the guest writes first', async (t) => {
  const { host, run } = start(t);
  const sync = run('write-bytes-sync', 10);
  const chunk = await host.taken.read({ count: 4 });
  t.is(chunk.value?.length, 4);
  t.is(await sync, 0x40);
});

test('a reader that leaves tells the guest, and how much it had', async (t) => {
  const { host, run } = start(t);
  const result = run('write-bytes', 1000);
  t.is((await host.taken.read({ count: 100 })).value?.length, 100);
  host.taken[Symbol.dispose]();
  t.is(await result, (100 << 4) | 1);
});

test('a component reads its own stream', async (t) => {
  const { run } = start(t);
  t.is(await run('to-itself'), 0x05040302);
});

test('futures of the host: read asynchronously, synchronously, and before they are there', async (t) => {
  const { host, run } = start(t);
  host.answer = Promise.resolve(42);
  t.is(await run('read-future'), 42);
  t.is(await run('read-future-sync'), 42);
  const late = Promise.withResolvers<number>();
  host.answer = late.promise;
  const result = run('read-future');
  await new Promise(setImmediate);
  late.resolve(43);
  t.is(await result, 43);
});

test('futures of the guest: read by `then`, or let go', async (t) => {
  const { host, run } = start(t);
  const read = run('write-future', 99);
  t.is(await host.takenFuture, 99);
  t.is(await host.takenFuture, 99, 'and again');
  t.is(await read, 0);
  const dropped = run('write-future', 99);
  host.takenFuture[Symbol.dispose]?.();
  t.is(await dropped, 1);
});

test('arguments that are many are in memory, and so is a result that the guest allocates for', async (t) => {
  const { host, run } = start(t);
  const text = `hi ${2 ** 32 - 1} ${2n ** 64n - 1n} 0.5 😀`;
  t.is(await run('join-texts'), Buffer.byteLength(text), 'at once');
  host.isJoinLate = true;
  t.is(await run('join-texts'), Buffer.byteLength(text), 'later');
});

test('a stream of strings is read through the guest allocator', async (t) => {
  const { host, run } = start(t);
  host.texts = (async function* () {
    yield 'hello';
  })();
  t.is(await run('read-texts'), (5 << 8) | 0x68);
});

test('an error context keeps its message until it is dropped', async (t) => {
  const { run } = start(t);
  t.is(await run('error-context'), 0x74736574);
  await traps(t, 'error-dropped-twice', /unknown handle index/);
});

test('of a long message an error context keeps the beginning', async (t) => {
  const { run } = start(t);
  t.is(await run('error-length', 1_024), 1_024);
  t.is(await run('error-length', 1_025), 1_024);
  t.is(await run('error-length', 60_000), 1_024);
});

test('calls that have not returned hold no more bytes together than one of them may', async (t) => {
  const { host, run } = start(t);
  host.isJoinLate = true;
  // With what a text takes beside its characters.
  const most = Math.floor(LIFTED_BYTES_PER_CALL / (32_768 + 192));
  t.is(await run('held-texts', most), most);
  await traps(t, 'held-texts', /have not returned hold more than/, most + 1, true);
});

test('a call that is not async waits, without holding up others', async (t) => {
  const { host, run } = start(t);
  const result = run('wait-sync', 5);
  await host.waiting(1);
  t.is(await run('yield', 1), 1);
  host.waits.get(5)!(6);
  t.is(await result, 6);
});

test('polling a set finds nothing, then an event', async (t) => {
  const { host, run } = start(t);
  const result = run('poll', 5);
  await host.waiting(2);
  host.waits.get(5)!(1);
  host.waits.get(6)!(1);
  t.is(await result, 0x01);
});

test('what breaks a rule of the canonical ABI traps, and says which', async (t) => {
  await traps(t, 'subtask-dropped-early', /dropped before it has returned/);
  await traps(t, 'no-return', /exited without returning/);
  await traps(t, 'cancel-task', /not asked to cancel/);
  await traps(t, 'dropped-while-reading', /dropped while it copies/);
  await traps(t, 'read-twice', /used again/);
  await traps(t, 'read-out-of-bounds', /out of bounds/);
  await traps(t, 'read-writable-end', /another kind/);
  await traps(t, 'unknown-end', /unknown handle index 77/);
  await traps(t, 'texts-to-itself', /passes to itself/);
  await traps(t, 'give-away-in-use', /in use is given away/);
  await traps(t, 'give-away-in-set', /waitable set is given away/);
  await traps(t, 'future-not-written', /dropped before it was written/);
  await traps(t, 'set-dropped-full', /with waitables in it/);
  await traps(t, 'callback-unknown-code', /returned the code 3/, 3);
  await traps(t, 'callback-no-set', /unknown handle index/);
  await traps(t, 'release-too-often', /out of range/);
});

test('a second return traps, when the first one has reached the caller', async (t) => {
  const { run, traps: seen } = start(t);
  t.is(await run('two-returns'), 1);
  t.regex(String(seen[0]), /has returned before/);
});

test('reading a future twice traps', async (t) => {
  const { host, run } = start(t);
  host.answer = Promise.resolve(1);
  await t.throwsAsync(run('read-future-twice'), { instanceOf: ComponentTrap, message: /used again/ });
});

test('a trap behind the return ends the instance, and every task in it', async (t) => {
  const { component: linked, host, run, traps: seen } = start(t);
  t.is(await run('trap-later', 1), 7);
  const other = run('wait-sync', 2);
  await host.waiting(2);
  host.waits.get(1)!(0);
  await t.throwsAsync(other, { instanceOf: WebAssembly.RuntimeError });
  t.true(seen.some((error) => error instanceof WebAssembly.RuntimeError));
  await t.throwsAsync(linked.exports['yield']!(1), { instanceOf: ComponentTrap });
});

test('what an invocation left behind does nothing to the next one', async (t) => {
  const { component: linked, host, run, traps: seen } = start(t);
  const chunk = Promise.withResolvers<Uint8Array>();
  host.chunks = [chunk.promise];
  run('subtask', 5).catch(() => {});
  run('read-numbers', 8).catch(() => {});
  await host.waiting(1);
  linked.reset();
  host.waits.get(5)!(42);
  chunk.resolve(new Uint8Array(8));
  await new Promise(setImmediate);
  host.chunks = [new Uint8Array(5)];
  t.is(await run('read-numbers', 8), 5);
  t.deepEqual(seen, []);
});
