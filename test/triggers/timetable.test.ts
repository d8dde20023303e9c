import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { ScheduleName, TenantName } from '../../host/model/ids.ts';
import type { ScheduleExpression } from '../../host/model/schedule.ts';
import { checkExpression, jitterOf, timetableOf } from '../../host/triggers/timetable.ts';

const KEY = { tenant: 'acme' as TenantName, name: 'nightly' as ScheduleName };

const cron = (expression: string, timeZone = 'Europe/Berlin'): ScheduleExpression => ({
  type: 'cron',
  expression,
  timeZone,
});

function ticks(expression: ScheduleExpression, from: string, count: number): string[] {
  const table = timetableOf(KEY, expression);
  const found: string[] = [];
  let at: number | undefined = Date.parse(from);
  while (found.length < count && at !== undefined) {
    at = table.nextAfter(at);
    if (at !== undefined) found.push(new Date(at).toISOString().replace('.000', ''));
  }
  return found;
}

test('where an hour comes twice, what names an hour strikes once', (t) => {
  t.deepEqual(ticks(cron('30 2 * * *'), '2026-10-24T12:00:00Z', 2), [
    '2026-10-25T00:30:00Z',
    '2026-10-26T01:30:00Z',
  ]);
  t.deepEqual(ticks(cron('30 1,2 * * *'), '2026-10-24T12:00:00Z', 3), [
    '2026-10-24T23:30:00Z',
    '2026-10-25T00:30:00Z',
    '2026-10-26T00:30:00Z',
  ]);
});

test('where an hour is left out, what names it strikes at the end of the gap', (t) => {
  t.deepEqual(ticks(cron('30 2 * * *'), '2026-03-28T12:00:00Z', 2), [
    '2026-03-29T01:00:00Z',
    '2026-03-30T00:30:00Z',
  ]);
});

test('what strikes every half an hour goes on through both hours, and skips none around a gap', (t) => {
  t.deepEqual(ticks(cron('*/30 * * * *'), '2026-10-24T23:40:00Z', 5), [
    '2026-10-25T00:00:00Z',
    '2026-10-25T00:30:00Z',
    '2026-10-25T01:00:00Z',
    '2026-10-25T01:30:00Z',
    '2026-10-25T02:00:00Z',
  ]);
  t.deepEqual(ticks(cron('*/30 * * * *'), '2026-03-29T00:10:00Z', 3), [
    '2026-03-29T00:30:00Z',
    '2026-03-29T01:00:00Z',
    '2026-03-29T01:30:00Z',
  ]);
});

for (const expression of ['30 2 * * *', '*/7 * * * *', '0 15,45 1-3 * * *', '*/20 * * * * *']) {
  test(`looked at from either end, ${expression} has the same ticks around changes of the clock`, (t) => {
    const table = timetableOf(KEY, cron(expression));
    for (const day of ['2026-03-29', '2026-10-25']) {
      const from = Date.parse(`${day}T00:00:00Z`) - 6 * 3_600_000;
      const until = from + 12 * 3_600_000;
      const forwards = table.within(from, until, 100_000);
      t.deepEqual(table.within(from, until, 20), forwards.slice(-20));
      t.is(new Set(forwards).size, forwards.length);
    }
  });
}

test('a rate keeps its distance, whenever it is asked, and spreads over schedules', (t) => {
  const every = { type: 'rate', everyMs: 60_000 } as const;
  const table = timetableOf(KEY, every);
  const first = table.nextAfter(1_000_000)!;
  t.true(first > 1_000_000 && first <= 1_060_000);
  t.is(table.nextAfter(first), first + 60_000);
  t.is(table.nextAfter(first - 1), first);
  t.deepEqual(table.within(first - 1, first + 180_000, 2), [first + 120_000, first + 180_000]);
  const phases = new Set(
    Array.from({ length: 50 }, (_, index) =>
      timetableOf({ ...KEY, name: `s${index}` as ScheduleName }, every).nextAfter(0),
    ),
  );
  t.true(phases.size > 40);
});

test('what is set for one time strikes then, and never again', (t) => {
  const at: ScheduleExpression = { type: 'at', at: '2026-05-01T10:00:00+02:00' };
  t.deepEqual(ticks(at, '2026-01-01T00:00:00Z', 5), ['2026-05-01T08:00:00Z']);
});

test('jitter is within its window, the same each time, and differs from tick to tick', (t) => {
  const all = Array.from({ length: 100 }, (_, tick) => jitterOf(KEY, tick * 60_000, 10_000));
  t.true(all.every((ms) => ms >= 0 && ms <= 10_000));
  t.true(new Set(all).size > 50);
  t.deepEqual(
    all,
    Array.from({ length: 100 }, (_, tick) => jitterOf({ ...KEY }, tick * 60_000, 10_000)),
  );
  t.is(jitterOf(KEY, 1, 0), 0);
});

const INVALID: readonly (readonly [expression: ScheduleExpression, field: string])[] = [
  [cron('61 * * * *'), 'expression.expression'],
  [cron('* * * *'), 'expression.expression'],
  [cron('2030-01-01T00:00:00'), 'expression.expression'],
  [cron('@reboot'), 'expression.expression'],
  [cron('* * * * *', 'Mars/Phobos'), 'expression.timeZone'],
  [cron('0 0 30 2 *'), 'expression'],
  [{ type: 'at', at: '2020-01-01T00:00:00Z' }, 'expression'],
];

for (const [expression, field] of INVALID) {
  test(`${JSON.stringify(expression)} is refused at ${field}`, (t) => {
    const error = t.throws(() => checkExpression(KEY, expression, Date.UTC(2026, 0, 1)), {
      instanceOf: MayflyError,
    });
    t.is(error.code, 'invalid_request');
    t.is(error.field, field);
  });
}

test('nicknames and six fields are read', (t) => {
  t.deepEqual(ticks(cron('@daily', 'UTC'), '2026-01-01T00:00:00Z', 1), ['2026-01-02T00:00:00Z']);
  t.deepEqual(ticks(cron('15 0 0 * * *', 'UTC'), '2026-01-01T00:00:00Z', 1), ['2026-01-01T00:00:15Z']);
});
