import test from 'ava';
import { CoarseClock } from '../../../host/wasi/clocks/coarse-clock.ts';
import { createMonotonicClock } from '../../../host/wasi/clocks/monotonic-clock.ts';
import { createMonotonicClock03 } from '../../../host/wasi/clocks/monotonic-clock-0.3.ts';
import { SystemClock } from '../../../host/wasi/clocks/system-clock.ts';
import { createSystemClock03 } from '../../../host/wasi/clocks/system-clock-0.3.ts';
import { createWallClock } from '../../../host/wasi/clocks/wall-clock.ts';
import { createPoll } from '../../../host/wasi/io/poll.ts';
import { createFakeContext, ManualClock } from '../fake-context.ts';

test('a pollable of a duration becomes ready when it has passed', async (t) => {
  const context = createFakeContext();
  const clock = createMonotonicClock(context);
  const pollable = clock.subscribeDuration(500n);
  const polled = createPoll(context)([pollable]);
  context.clock.advance(499n);
  t.false(pollable.ready());
  context.clock.advance(1n);
  t.deepEqual(await polled, Uint32Array.of(0));
  t.is(clock.now(), 1500n);
});

test('an instant in the past is ready at once, the end of time never', (t) => {
  const clock = createMonotonicClock(createFakeContext());
  t.true(clock.subscribeInstant(0n).ready());
  t.true(clock.subscribeDuration(0n).ready());
  t.false(clock.subscribeDuration(2n ** 64n - 1n).ready());
});

test('timers start when somebody waits, and stop when the pollable is dropped', (t) => {
  const context = createFakeContext();
  const pollable = createMonotonicClock(context).subscribeDuration(500n);
  t.is(context.clock.sleepers, 0);
  void pollable.block();
  t.is(context.clock.sleepers, 1);
  pollable[Symbol.dispose]();
  t.is(context.clock.sleepers, 0);
});

test('the end of the invocation stops all its timers', (t) => {
  const context = createFakeContext();
  const clock = createMonotonicClock(context);
  for (let made = 0; made < 100; made += 1) void clock.subscribeDuration(500n).block();
  void createMonotonicClock03(context).waitFor(500n);
  t.is(context.clock.sleepers, 101);
  context.abort();
  t.is(context.clock.sleepers, 0);
});

test('the async waits of WASI 0.3 resolve at their time', async (t) => {
  const context = createFakeContext();
  const clock = createMonotonicClock03(context);
  await clock.waitUntil(0n);
  const waiting = clock.waitFor(10n);
  context.clock.advance(10n);
  await waiting;
  t.is(clock.now(), 1010n);
});

test('the wall clock is split into seconds and nanoseconds', (t) => {
  const context = createFakeContext();
  const expected = { seconds: 1_700_000_000n, nanoseconds: 123_456_789 };
  t.deepEqual(createWallClock(context).now(), expected);
  t.deepEqual(createSystemClock03(context).now(), expected);
});

test('the real clock sleeps at least as long as asked, and not at all once aborted', async (t) => {
  const clock = new SystemClock();
  const controller = new AbortController();
  const until = clock.monotonicNs() + 3_000_000n;
  await clock.sleepUntil(until, controller.signal);
  t.true(clock.monotonicNs() >= until);
  t.true(Math.abs(Number(clock.wallNs() / 1_000_000n) - Date.now()) < 1000);
  const timersBefore = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  void clock.sleepUntil(2n ** 63n, controller.signal);
  controller.abort();
  void clock.sleepUntil(2n ** 63n, controller.signal);
  t.is(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length, timersBefore);
});

test('a flood of timers ends the invocation', (t) => {
  const context = createFakeContext();
  const clock = createMonotonicClock03(context);
  for (let made = 0; made < 10_000; made += 1) void clock.waitFor(500n);
  t.is(context.terminations.length, 0);
  void clock.waitFor(500n);
  t.is(context.terminations[0]?.code, 'function_trapped');
  t.is(context.clock.sleepers, 10_000);
});

test('a coarse clock shows steps that have passed, and says how long they are', (t) => {
  const manual = new ManualClock();
  const context = { ...createFakeContext(), clock: new CoarseClock(manual, 1_000_000n) };
  const [clock, wall] = [createMonotonicClock(context), createWallClock(context)];
  const seen = new Set<bigint>();
  for (let i = 0; i < 3_000; i += 1) {
    manual.advance(1_001n);
    seen.add(clock.now());
  }
  t.deepEqual([...seen], [0n, 1_000_000n, 2_000_000n, 3_000_000n]);
  t.deepEqual(wall.now(), { seconds: 1_700_000_000n, nanoseconds: 123_000_000 });
  t.is(clock.resolution(), 1_000_000n);
  t.is(createMonotonicClock03(context).getResolution(), 1_000_000n);
  t.deepEqual(wall.resolution(), { seconds: 0n, nanoseconds: 1_000_000 });
  t.is(createSystemClock03(context).getResolution(), 1_000_000n);
});

test('a sleep on a coarse clock ends when that clock shows its instant, and not before', async (t) => {
  const manual = new ManualClock();
  const context = { ...createFakeContext(), clock: new CoarseClock(manual, 1_000_000n) };
  const clock = createMonotonicClock(context);
  const pollable = clock.subscribeInstant(1_500_000n);
  let isOver = false;
  const over = createMonotonicClock03(context)
    .waitUntil(1_500_000n)
    .then(() => {
      isOver = true;
    });
  manual.advance(1_900_000n);
  await Promise.resolve();
  t.deepEqual([pollable.ready(), isOver, clock.now()], [false, false, 1_000_000n]);
  manual.advance(100_000n);
  await over;
  t.deepEqual([pollable.ready(), isOver, clock.now()], [true, true, 2_000_000n]);
});
