/** What an invocation leaves behind in the host (promises, stacks) reaches nothing of the one after it in the same slot. */
import test, { type ExecutionContext } from 'ava';
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import type { Clock } from '../../../host/wasi/context.ts';
import { differenceOf, observe } from '../rewind/stateful-guest.ts';
import { ENDINGS, endBy, messengerGuest, parked, RETURN, SETTINGS } from './messenger.ts';
import { OpenBody, type Running, Serving, type ServingOptions, STILL_CLOCK } from './serving.ts';

let artifact: LoadedArtifact;

test.before('make the guest', async () => {
  artifact = await messengerGuest();
});

function serve(options: ServingOptions = {}): Serving {
  return new Serving(artifact, { trigger: 'event', configuration: SETTINGS, ...options });
}

async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
}

/** While another invocation is half-way through in the slot of one that has ended, what that one waited for comes. */
async function isUntouchedBy(
  t: ExecutionContext,
  serving: Serving,
  old: Running,
  late: () => void,
): Promise<void> {
  const first = await old.seen();
  const body = new OpenBody('');
  const running = serving.start({ body });
  await parked(running, true);
  t.is(serving.taken, 2);
  t.is(serving.slots.counts.late, 1, 'the slot was not used again');
  const { coreInstances: instances } = serving.lastSlot!;
  const before = observe({ instances });
  const { fuel } = running.invocation;
  late();
  await turns();
  t.is(differenceOf(before, observe({ instances })), undefined);
  t.is(running.invocation.fuel, fuel);
  t.is(old.invocation.fuel, first.fuel);
  body.more('r');
  const second = await running.seen();
  using fresh = serve({ road: 'fresh' });
  t.deepEqual(second, await endBy(fresh, RETURN));
  t.true(
    serving.charges.every((charge) => charge >= 0),
    'a share was given fuel',
  );
  t.is(
    serving.charges.reduce((sum, charge) => sum + charge),
    first.fuel + second.fuel,
  );
  t.deepEqual(serving.differences, []);
}

for (const how of ['s', 'c']) {
  test(`a sleep that is over when its invocation is (${how})`, async (t) => {
    const wake: (() => void)[] = [];
    const clock: Clock = { ...STILL_CLOCK, sleepUntil: () => new Promise((resolve) => wake.push(resolve)) };
    using serving = serve({ clock });
    const old = serving.start({ body: new OpenBody(how) });
    await parked(old);
    // What it was parked in, and the call that it left open.
    t.is(wake.length, 2);
    old.invocation.cancel('timed_out', 'no more');
    await isUntouchedBy(t, serving, old, () => {
      for (const one of wake.splice(0)) one();
    });
  });
}

test('input that arrives for a reader whose invocation is over', async (t) => {
  using serving = serve();
  const body = new OpenBody('R');
  const old = serving.start({ body });
  await parked(old);
  old.invocation.cancel('timed_out', 'no more');
  await isUntouchedBy(t, serving, old, () => body.more('late'));
});

test('input that arrives for a read in flight, which has an address for it', async (t) => {
  using serving = serve();
  const body = new OpenBody('B');
  const old = serving.start({ body });
  await isUntouchedBy(t, serving, old, () => body.more('late'.repeat(10)));
});

test('a caller who reads on when the invocation that wrote is over', async (t) => {
  using serving = serve();
  const old = serving.start({ body: new OpenBody('W') }, true);
  await parked(old, true);
  old.invocation.cancel('timed_out', 'no more');
  await isUntouchedBy(t, serving, old, () => old.exchange.response.source.read(1_000_000));
});

test('a slot is given back when the last stack of its guest has unwound, and not before', async (t) => {
  // At once: whatever ran after it was given back would run in the state of the next one.
  using serving = serve({ soon: (callback) => callback() });
  for (const [name, ending] of Object.entries(ENDINGS)) {
    await endBy(serving, ending);
    await turns();
    t.is((await endBy(serving, RETURN)).failure, undefined);
    t.deepEqual(serving.differences, [], name);
  }
});
