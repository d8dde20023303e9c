import { LOG_LEVELS } from './function-configuration.ts';
import type { LogRecord } from './log-record.ts';

/** Which records of a log are wanted; all of what is given has to hold. */
export interface LogFilter {
  /** Not before this. */
  readonly sinceMs?: number;
  /** At least as severe. */
  readonly level?: LogRecord['level'];
  readonly invocationId?: string;
  /** 32 hex digits. */
  readonly traceId?: string;
}

/** `level` and what is more severe. */
export function levelsFrom(level: LogRecord['level']): readonly string[] {
  return LOG_LEVELS.slice(LOG_LEVELS.indexOf(level)).filter((each) => each !== 'off');
}

export function matches(record: LogRecord, { sinceMs, level, invocationId, traceId }: LogFilter): boolean {
  return (
    (sinceMs === undefined || record.timestampMs >= sinceMs) &&
    (level === undefined || levelsFrom(level).includes(record.level)) &&
    (invocationId === undefined || record.invocationId === invocationId) &&
    (traceId === undefined || record.traceId === traceId)
  );
}
