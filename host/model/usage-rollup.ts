/** Usage records added up: by minute, hour, day and month (UTC), for each version of a function. */
import { HOST_CALL_COLUMNS } from './host-call-kind.ts';
import { monthOf, startOfMonthMs } from './tenant-quotas.ts';
import type { UsageSubject } from './usage-record.ts';

export const ROLLUP_LEVELS = ['minute', 'hour', 'day', 'month'] as const;
export type RollupLevel = (typeof ROLLUP_LEVELS)[number];

/** What usage is kept at: each record, or what records came to. */
export const USAGE_LEVELS = ['record', ...ROLLUP_LEVELS] as const;
export type UsageLevel = (typeof USAGE_LEVELS)[number];

/** Sums outgrow 2^53: they are bigints in the host, and numbers in JSON as long as those are exact, else text. */
export const ROLLUP_SUMS = [
  'invocations',
  'failures',
  'coldStarts',
  'fuel',
  'memoryTimeKiBMs',
  'queueUs',
  'initUs',
  'execUs',
  'requestBytes',
  'responseBytes',
  'egressBytes',
  'immediateCalls',
  'waitingCalls',
  ...HOST_CALL_COLUMNS,
  'outboundRequests',
  'outboundSentBytes',
  'outboundReceivedBytes',
  'logBytes',
] as const;
export type RollupSum = (typeof ROLLUP_SUMS)[number];
export type UsageSums = Readonly<Record<RollupSum, bigint>>;

export interface UsageRollup extends UsageSubject, UsageSums {
  readonly level: RollupLevel;
  /** When the minute, hour, day or month began. */
  readonly startMs: number;
  /** Whether it is on the tenant's bill: host faults are added up apart. */
  readonly billed: boolean;
  readonly peakMemoryBytes: bigint;
}

const UNIT_MS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const;

/** The beginning of the minute, hour, day or month (UTC) that an instant lies in. */
export function startOf(level: RollupLevel, atMs: number): number {
  if (level === 'month') return startOfMonthMs(monthOf(atMs));
  return Math.floor(atMs / UNIT_MS[level]) * UNIT_MS[level];
}

/** The instant itself if one begins there, else the beginning of the next one. */
export function nextStartOf(level: RollupLevel, atMs: number): number {
  const start = startOf(level, atMs);
  if (start === atMs) return start;
  return level === 'month' ? startOfMonthMs(monthOf(atMs) + 1) : start + UNIT_MS[level];
}
