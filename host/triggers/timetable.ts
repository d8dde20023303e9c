/**
 * When a schedule strikes. A tick is a time in milliseconds since the epoch, the same on every host.
 *
 * Cron follows its time zone as Vixie cron does: what names minutes and hours strikes once where an hour comes twice, and at the end of the gap
 * where its hour is left out; what has `*` or a step in seconds, minutes or hours goes on through both hours, and has nothing in the gap.
 */
import { createHash } from 'node:crypto';
import { Cron } from 'croner';
import { MayflyError } from '../errors/errors.ts';
import type { ScheduleName, TenantName } from '../model/ids.ts';
import type { ScheduleExpression } from '../model/schedule.ts';

export interface Timetable {
  /** Undefined where there is none any more. */
  nextAfter(ms: number): number | undefined;
  /** Ticks in `(afterMs, upToMs]`, the oldest first; of more than `limit` the latest. */
  within(afterMs: number, upToMs: number, limit: number): number[];
}

interface ScheduleKey {
  readonly tenant: TenantName;
  readonly name: ScheduleName;
}

/**
 * @param field how the expression is called where it was given, for errors
 * @throws MayflyError `invalid_request`
 */
export function timetableOf(
  key: ScheduleKey,
  expression: ScheduleExpression,
  field = 'expression',
): Timetable {
  switch (expression.type) {
    case 'cron':
      return cronTimetable(expression.expression, expression.timeZone, field);
    case 'rate':
      // Hosts that share a queue have no common time of creation; so that not all schedules strike together, the phase is the key's.
      return timetable(
        stepsFrom(Number(hash(`${key.tenant}/${key.name}`) % BigInt(expression.everyMs)), expression.everyMs),
      );
    case 'at': {
      const atMs = Date.parse(expression.at);
      return timetable((ms) => (atMs > ms ? atMs : undefined));
    }
  }
}

/** For whoever takes an expression from a tenant: it is valid, and will strike. @throws MayflyError `invalid_request` */
export function checkExpression(
  key: ScheduleKey,
  expression: ScheduleExpression,
  nowMs: number,
  field = 'expression',
): void {
  if (timetableOf(key, expression, field).nextAfter(nowMs) === undefined)
    throw invalid(field, 'never strikes, or not any more');
}

/** How long behind its tick an event is delivered, within `jitterMs`: the same on every host. */
export function jitterOf({ tenant, name }: ScheduleKey, tickMs: number, jitterMs: number): number {
  return jitterMs === 0 ? 0 : Number(hash(`${tenant}/${name}/${tickMs}`) % BigInt(jitterMs + 1));
}

/** Parsing one takes 0.1 ms, and thousands of schedules have the same few. */
const parsed = new Map<string, Timetable>();
const MAX_PARSED = 1_000;

function cronTimetable(expression: string, timeZone: string, field: string): Timetable {
  const key = `${timeZone} ${expression}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const cron = parseCron(expression, timeZone, field);
  const table = timetable(
    (ms) => cron.nextRun(new Date(ms))?.getTime(),
    (upToMs, limit) =>
      cron
        .previousRuns(limit, new Date(upToMs + 1))
        .map((date) => date.getTime())
        .reverse(),
  );
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(key, table);
  return table;
}

function parseCron(expression: string, timeZone: string, field: string): Cron {
  try {
    new Intl.DateTimeFormat('en', { timeZone });
  } catch {
    throw invalid(`${field}.timeZone`, 'is not the name of an IANA time zone');
  }
  // croner reads ISO dates as well; those are another type of expression here.
  const parts = expression.trim().split(/\s+/).length;
  if (parts !== 5 && parts !== 6 && !expression.startsWith('@'))
    throw invalid(`${field}.expression`, 'has to have five fields, or six with seconds in front');
  try {
    return new Cron(expression, {
      timezone: timeZone,
      mode: '5-or-6-parts',
      fixedTimeRule: 'no-wildcard',
      paused: true,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : '';
    throw invalid(`${field}.expression`, `is not valid: ${reason}`);
  }
}

function stepsFrom(phaseMs: number, everyMs: number): (ms: number) => number {
  return (ms) => (Math.floor((ms - phaseMs) / everyMs) + 1) * everyMs + phaseMs;
}

function timetable(
  nextAfter: (ms: number) => number | undefined,
  latest?: (upToMs: number, limit: number) => number[],
): Timetable {
  return {
    nextAfter,
    within(afterMs, upToMs, limit) {
      const ticks: number[] = [];
      for (let at = nextAfter(afterMs); at !== undefined && at <= upToMs; at = nextAfter(at)) {
        ticks.push(at);
        // More than are wanted: from the other end, if that is known.
        if (ticks.length > limit && latest !== undefined) return latest(upToMs, limit);
        if (ticks.length > limit) ticks.shift();
      }
      return ticks;
    },
  };
}

function hash(text: string): bigint {
  return createHash('sha256').update(text).digest().readBigUInt64BE();
}

function invalid(field: string, reason: string): MayflyError {
  return new MayflyError('invalid_request', `${field} ${reason}.`, { field });
}
