/** Whatever is exported, a scrape gets running totals. */
import test from 'ava';
import { Telemetry } from '../../../host/metering/telemetry/telemetry.ts';
import { UsageBatchWriter } from '../../../host/model/usage-batch.ts';
import { OtlpReceiver } from '../../harness/otlp-receiver.ts';
import { Random } from '../../instrument/random.ts';
import { randomRecord, useOfRecord } from '../random-usage.ts';

const PREFERENCE = 'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE';
const SERIES = { maxTenants: 1, perTenant: 1 };

for (const temporality of ['cumulative', 'delta'] as const) {
  test.serial(`a scrape counts from the beginning where exports are ${temporality}`, async (t) => {
    t.timeout(30_000);
    await using receiver = await OtlpReceiver.start();
    process.env[PREFERENCE] = temporality;
    t.teardown(() => {
      delete process.env[PREFERENCE];
    });
    const sampling = { isOn: false, isParentBased: false, ratio: 0 };
    const metrics = { url: `${receiver.origin}/v1/metrics`, headers: {}, intervalMs: 50 };
    await using telemetry = new Telemetry(
      { serviceName: 'mayfly', resource: {}, series: SERIES, sampling, metrics },
      { version: '0', ledgerPending: () => 0, now: () => 0, report: (message) => t.log(message) },
    );
    const record = randomRecord(new Random(1), { outcome: 'returned', trigger: 'http' });
    const exported = (): number | undefined =>
      receiver.points.find(({ metric }) => metric === 'faas.invocations')?.value;
    const scraped = async (): Promise<number> => {
      const line = (await telemetry.scrape('text'))
        .split('\n')
        .find((each) => /^faas_invocations_total/.test(each));
      return Number(line?.split(' ').at(-1));
    };
    const count = (times: number): void => {
      const writer = new UsageBatchWriter(times);
      for (let i = 0; i < times; i++) writer.append(record, record.fuelModel, useOfRecord(record));
      telemetry.usage(writer.take());
    };
    count(2);
    await receiver.until(() => (exported() === 2 ? true : undefined));
    t.is(await scraped(), 2);
    count(3);
    const next = temporality === 'delta' ? 3 : 5;
    await receiver.until(() => (exported() === next ? true : undefined));
    t.is(await scraped(), 5);
    t.is(await scraped(), 5);
  });
}
