import test, { type ExecutionContext } from 'ava';
import { Outage } from '../host/outage.ts';

const MINUTE_MS = 60_000;

/** An outage, its lines with the minute in which each was said, and its clock. */
function watched(t: ExecutionContext) {
  const clock = { nowMs: 0 };
  const lines: string[] = [];
  const outage = new Outage(
    { failing: 'records could not be written', working: 'records are written again' },
    (message, error) =>
      lines.push(
        `${Math.floor(clock.nowMs / MINUTE_MS)}: ${message}${error === undefined ? '' : ` (${error})`}`,
      ),
    () => clock.nowMs,
  );
  t.teardown(() => outage[Symbol.dispose]());
  /** Fails every second, from now on for so long. */
  const fail = (ms: number, lost = 0): void => {
    for (const endMs = clock.nowMs + ms; clock.nowMs < endMs; clock.nowMs += 1_000)
      outage.failed('full', lost);
  };
  return { outage, clock, lines, fail };
}

test('what fails every second is said at once, at distances that double up to an hour, and when it is over', (t) => {
  const { outage, lines, fail } = watched(t);
  fail(5 * 60 * MINUTE_MS);
  outage.worked();
  outage.worked();
  t.deepEqual(lines, [
    '0: records could not be written (full)',
    '1: records could not be written for 60 s (full)',
    '3: records could not be written for 3 minutes (full)',
    '7: records could not be written for 7 minutes (full)',
    '15: records could not be written for 15 minutes (full)',
    '31: records could not be written for 31 minutes (full)',
    '63: records could not be written for 63 minutes (full)',
    '123: records could not be written for 123 minutes (full)',
    '183: records could not be written for 183 minutes (full)',
    '243: records could not be written for 243 minutes (full)',
    '300: records are written again after 300 minutes; none was lost',
  ]);
});

test('the first loss is said at once, the sum of all with the next lines and at the end', (t) => {
  const { outage, lines, fail } = watched(t);
  fail(30_000);
  fail(45_000, 2);
  outage.worked();
  t.deepEqual(lines, [
    '0: records could not be written (full)',
    '0: records could not be written for 30 s, and 2 are lost (full)',
    '1: records are written again after 75 s; 90 were lost',
  ]);
});

test('what fails and works in turn is no flood, and what it costs is said all the same', (t) => {
  const { outage, clock, lines } = watched(t);
  for (let second = 0; second < 200; second += 2) {
    outage.failed('full', 1);
    clock.nowMs += 1_000;
    outage.worked();
    clock.nowMs += 1_000;
  }
  outage[Symbol.dispose]();
  t.deepEqual(lines, [
    '0: records could not be written, and 1 is lost (full)',
    '0: records are written again after 1 s; 1 was lost',
    '1: records could not be written, and 30 are lost (full)',
    '1: records are written again after 1 s; 30 were lost',
    '3: records could not be written, and 60 are lost (full)',
    '3: records are written again after 1 s; 60 were lost',
    '3: records are written again; 9 were lost',
  ]);
});

test('one that begins after a long time without is said as the first one was', (t) => {
  const { outage, clock, lines, fail } = watched(t);
  fail(10 * MINUTE_MS);
  outage.worked();
  clock.nowMs = 60 * MINUTE_MS;
  fail(2 * MINUTE_MS);
  t.deepEqual(lines.slice(-2), [
    '60: records could not be written (full)',
    '61: records could not be written for 60 s (full)',
  ]);
});

test('what is lost when the host ends is said', (t) => {
  const { outage, lines, fail } = watched(t);
  fail(1_000, 3);
  fail(2_000, 4);
  outage[Symbol.dispose]();
  t.is(lines.at(-1), '0: records could not be written until the end, and 11 are lost');
});
