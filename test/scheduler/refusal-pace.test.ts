import test from 'ava';
import { RefusalPace, type RefusalPaceOptions } from '../../host/scheduler/refusal-pace.ts';

function paceWith(options: Partial<RefusalPaceOptions> = {}) {
  const clock = { nowMs: 1_000 };
  const pace = new RefusalPace({
    rate: { perSecond: 100, burst: 5 },
    maxDelayMs: 1_000,
    maxHeld: 10,
    monotonicMs: () => clock.nowMs,
    ...options,
  });
  return { pace, clock };
}

test('some refusals are told at once, more of them at a pace', (t) => {
  const { pace } = paceWith();
  t.deepEqual(
    Array.from({ length: 8 }, () => Math.round(pace.delayMs('a'))),
    [0, 0, 0, 0, 0, 10, 20, 30],
  );
  t.is(pace.delayMs('b'), 0, 'another tenant is not slowed down');
});

test('no refusal waits longer than the longest delay, and a pause ends it all', (t) => {
  const { pace, clock } = paceWith({ maxDelayMs: 50 });
  const delays = Array.from({ length: 100 }, () => pace.delayMs('a'));
  t.is(Math.max(...delays), 50);
  clock.nowMs += 200;
  t.is(pace.delayMs('a'), 0);
});

test('beyond the number that may be held back they are told at once', (t) => {
  const { pace } = paceWith({ maxHeld: 2 });
  for (let i = 0; i < 6; i++) pace.delayMs('a');
  pace.hold();
  t.true(pace.delayMs('a') > 0);
  pace.hold();
  t.is(pace.delayMs('a'), 0);
  pace.release();
  t.true(pace.delayMs('a') > 0);
});
