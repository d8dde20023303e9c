/** How long invocations took, counted by buckets: what a histogram is drawn from, and percentiles are read off. */
import type { DatabaseSync } from 'node:sqlite';
import { subjectsOf, type UsageRange } from './usage-pages.ts';

/**
 * Upper bounds in microseconds, 1-2-5 from 10 µs to 500 s; what took longer is in one more bucket. A bucket is at most
 * 2.5 times as wide as the one before, so that a percentile read off it is right to within that factor.
 */
export const LATENCY_BOUNDS_US: readonly number[] = Array.from({ length: 8 }, (_, decade) =>
  [10, 20, 50].map((first) => first * 10 ** decade),
).flat();

/**
 * The newest records of a version that are looked at. Each is a lookup in the file, 1 to 2 µs: a busy version keeps
 * the ledger from writing for 0.1 s, and 50,000 are more than a histogram shows.
 */
export const LATENCY_RECORDS = 50_000;

/** Counts by bucket: one for each bound, and one for what is beyond the last. */
export interface LatencyHistogram {
  /** From the arrival of the request to its end, of invocations that found an instance ready. */
  readonly warm: readonly number[];
  /** The same of those whose instance was made while the caller waited. */
  readonly cold: readonly number[];
  /** How long making that instance took. */
  readonly init: readonly number[];
  /** Whether a version had more records than were looked at. */
  readonly isSampled: boolean;
}

export function latencyHistogram(
  database: DatabaseSync,
  range: UsageRange,
  maxRecords = LATENCY_RECORDS,
): LatencyHistogram {
  const select = database.prepare(
    `SELECT start, ${bucketOf('queue_us + init_us + exec_us')} AS total, ${bucketOf('init_us')} AS init,
       count(*) AS records
     FROM (SELECT start, queue_us, init_us, exec_us FROM records
           WHERE subject = ? AND ended_at_ms >= ? AND ended_at_ms < ? ORDER BY ended_at_ms DESC LIMIT ?)
     WHERE start <> 'none' GROUP BY 1, 2, 3`,
  );
  const counts = () => new Array<number>(LATENCY_BOUNDS_US.length + 1).fill(0);
  const histogram = { warm: counts(), cold: counts(), init: counts(), isSampled: false };
  for (const { id } of subjectsOf(database, range)) {
    let seen = 0;
    for (const row of select.all(id, range.fromMs, range.toMs, maxRecords)) {
      const records = Number(row['records']);
      seen += records;
      const isCold = row['start'] === 'cold';
      histogram[isCold ? 'cold' : 'warm'][Number(row['total'])]! += records;
      if (isCold) histogram.init[Number(row['init'])]! += records;
    }
    histogram.isSampled ||= seen >= maxRecords;
  }
  return histogram;
}

/** SQL for the index of the first bound that a value is not above. */
function bucketOf(expression: string): string {
  const cases = LATENCY_BOUNDS_US.map((bound, index) => `WHEN ${expression} <= ${bound} THEN ${index}`);
  return `CASE ${cases.join(' ')} ELSE ${LATENCY_BOUNDS_US.length} END`;
}
