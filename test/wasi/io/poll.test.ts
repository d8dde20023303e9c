import test from 'ava';
import { Gate } from '../../../host/wasi/io/gate.ts';
import { Handles, MAX_LIVE_HANDLES } from '../../../host/wasi/io/handles.ts';
import { createPoll, Pollable } from '../../../host/wasi/io/poll.ts';
import { createFakeContext } from '../fake-context.ts';

/** Something that becomes ready when it is told to, and counts who waits. */
class Event {
  waits = 0;
  #isReady = false;
  readonly #gate = new Gate();
  readonly pollable: Pollable = Pollable.from(
    () => this.#isReady,
    () => {
      this.waits += 1;
      return this.#gate.wait();
    },
  );

  fire(): void {
    this.#isReady = true;
    this.#gate.open();
  }
}

/** Lets everything that is queued as a microtask run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test('poll gives the indexes of what is ready, at once', (t) => {
  const poll = createPoll(createFakeContext());
  const [one, two] = [new Event(), new Event()];
  two.fire();
  t.deepEqual(poll([one.pollable, two.pollable, two.pollable]), Uint32Array.of(1, 2));
  t.deepEqual(poll([two.pollable, one.pollable, two.pollable]), Uint32Array.of(0, 2));
  t.deepEqual(poll([two.pollable]), Uint32Array.of(0));
});

test('poll waits for the first that becomes ready', async (t) => {
  const poll = createPoll(createFakeContext());
  const [one, two] = [new Event(), new Event()];
  const polled = poll([one.pollable, two.pollable]);
  t.true(polled instanceof Promise);
  two.fire();
  t.deepEqual(await polled, Uint32Array.of(1));
});

test('polling a silent pollable a thousand times leaves one wait behind', async (t) => {
  const poll = createPoll(createFakeContext());
  const silent = new Event();
  for (let round = 0; round < 1000; round += 1) {
    const quick = new Event();
    const polled = poll([silent.pollable, quick.pollable]);
    quick.fire();
    t.deepEqual(await polled, Uint32Array.of(1));
  }
  t.is(silent.waits, 1);
});

test('poll goes on waiting when somebody else has taken what woke it', async (t) => {
  const poll = createPoll(createFakeContext());
  let ready = false;
  const gate = new Gate();
  const pollable = Pollable.from(
    () => ready,
    () => gate.wait(),
  );
  let result: Uint32Array | undefined;
  const polled = Promise.resolve(poll([pollable])).then((indexes) => {
    result = indexes;
  });
  gate.open();
  await settle();
  t.is(result, undefined);
  ready = true;
  gate.open();
  await polled;
  t.deepEqual(result, Uint32Array.of(0));
});

test('an empty list ends the invocation without throwing, and never returns', async (t) => {
  const context = createFakeContext();
  let returned = false;
  void Promise.resolve(createPoll(context)([])).then(() => {
    returned = true;
  });
  await settle();
  t.false(returned);
  t.is(context.terminations[0]?.code, 'function_trapped');
});

test('a made-up handle ends the invocation without throwing', (t) => {
  const context = createFakeContext();
  t.notThrows(() => createPoll(context)([Object.create(Pollable.prototype)]));
  t.is(context.terminations.length, 1);
  t.notThrows(() => void Object.create(Pollable.prototype).block());
});

test('block returns at once when ready, and when it becomes so', async (t) => {
  const event = new Event();
  const blocked = event.pollable.block();
  t.false(event.pollable.ready());
  event.fire();
  await blocked;
  t.true(event.pollable.ready());
  t.is(event.pollable.block(), undefined);
});

test('after the invocation is over, neither poll nor block settles', async (t) => {
  const context = createFakeContext();
  const gate = new Gate();
  let ready = false;
  const pollable = Pollable.from(
    () => ready,
    () => gate.wait(),
    Handles.of(context),
  );
  let settled = 0;
  void Promise.resolve(createPoll(context)([pollable])).then(() => (settled += 1));
  void Promise.resolve(pollable.block()).then(() => (settled += 1));
  context.abort();
  ready = true;
  gate.open();
  await settle();
  t.is(settled, 0);
});

test('a flood of handles ends the invocation, and dropped ones do not count', (t) => {
  const context = createFakeContext();
  const handles = Handles.of(context);
  for (let made = 0; made < MAX_LIVE_HANDLES * 2; made += 1) {
    const pollable = Pollable.from(
      () => true,
      () => Promise.resolve(),
      handles,
    );
    pollable[Symbol.dispose]();
    pollable[Symbol.dispose]();
  }
  t.is(handles.live, 0);
  for (let made = 0; made < MAX_LIVE_HANDLES; made += 1) {
    Pollable.from(
      () => true,
      () => Promise.resolve(),
      handles,
    );
  }
  t.throws(() =>
    Pollable.from(
      () => true,
      () => Promise.resolve(),
      handles,
    ),
  );
  t.is(context.terminations[0]?.code, 'function_trapped');
});
