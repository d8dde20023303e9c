import test, { type ExecutionContext } from 'ava';
import { Telemetry } from '../../../host/metering/telemetry/telemetry.ts';
import { UsageBatchWriter } from '../../../host/model/usage-batch.ts';
import type { UsageRecord } from '../../../host/model/usage-record.ts';
import { Random } from '../../instrument/random.ts';
import { randomRecord, useOfRecord } from '../random-usage.ts';

/** Few enough series that some functions are folded. */
const SERIES = { maxTenants: 1, perTenant: 1 };

/** What a scraper gets of these records, told of in batches of at most so many. */
async function scraped(
  t: ExecutionContext,
  records: readonly UsageRecord[],
  batchLength: number,
): Promise<ReadonlyMap<string, number>> {
  const sampling = { isOn: false, isParentBased: false, ratio: 0 };
  await using telemetry = new Telemetry(
    { serviceName: 'mayfly', resource: {}, series: SERIES, sampling },
    { version: '0', ledgerPending: () => 0, now: () => 0, report: (message) => t.fail(message) },
  );
  for (let from = 0; from < records.length; from += batchLength) {
    const writer = new UsageBatchWriter(batchLength);
    for (const record of records.slice(from, from + batchLength))
      writer.append(record, record.fuelModel, useOfRecord(record));
    telemetry.usage(writer.take());
  }
  const lines = (await telemetry.scrape('text')).split('\n').filter((line) => !/^(?:#|$)/.test(line));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]));
}

test('records told of in one batch are counted as if each came alone', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const records = Array.from({ length: 300 }, () => randomRecord(random));
  const alone = await scraped(t, records, 1);
  const together = await scraped(t, records, 128);
  t.deepEqual([...together.keys()].sort(), [...alone.keys()].sort());
  for (const [series, value] of alone) {
    const other = together.get(series)!;
    // Sums of fractions, in another order.
    t.true(
      Math.abs(other - value) <= Math.abs(value) * 1e-9,
      `seed ${seed}, ${series}: ${other} for ${value}`,
    );
  }
  const totalOf = (pattern: RegExp): number =>
    [...together].reduce((sum, [series, value]) => (pattern.test(series) ? sum + value : sum), 0);
  t.is(totalOf(/^faas_(?:invocations|errors|timeouts)_total\{/), records.length);
  const fuel = records.reduce((sum, record) => sum + (record.start === 'none' ? 0 : record.fuel), 0);
  t.is(totalOf(/^mayfly_fuel_total\{/), fuel);
});
