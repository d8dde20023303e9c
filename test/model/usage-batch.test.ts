import test from 'ava';
import { ERROR_TABLE, type ErrorCode } from '../../host/errors/errors.ts';
import type { TenantName } from '../../host/model/ids.ts';
import { ofTenant, recordsOf, type UsageBatch, UsageBatchWriter } from '../../host/model/usage-batch.ts';
import {
  egressBytes,
  isBilled,
  memoryTimeKiBMs,
  type UsageOutcome,
  type UsageRecord,
} from '../../host/model/usage-record.ts';
import { Random } from '../instrument/random.ts';
import { randomRecord, useOfRecord } from '../metering/random-usage.ts';

function append(writer: UsageBatchWriter, record: UsageRecord, called: object = record): void {
  writer.append(called as UsageRecord, record.fuelModel, useOfRecord(record));
}

test('records come out of a batch as they went in, whatever they hold', (t) => {
  const seed = 20_261_127;
  t.log(`seed ${seed}`);
  const random = new Random(seed);
  const writer = new UsageBatchWriter(500);
  const records = Array.from({ length: 500 }, () => randomRecord(random));
  for (const record of records) append(writer, record);
  t.true(writer.isFull);
  t.deepEqual([...recordsOf(structuredClone(writer.take()))], records);
  t.is(writer.length, 0);
  append(writer, records[7]!);
  t.deepEqual([...recordsOf(writer.take())], [records[7]!]);
});

test('what is called again and again is named once in a batch; what could not be loaded keeps no model', (t) => {
  const writer = new UsageBatchWriter(10);
  const record = randomRecord(new Random(1));
  const called = { ...record };
  append(writer, record, called);
  append(writer, record, called);
  append(writer, { ...record, fuelModel: '' }, called);
  const batch = writer.take();
  t.deepEqual(
    batch.subjects.map(({ fuelModel }) => fuelModel),
    [record.fuelModel, ''],
  );
  t.deepEqual(
    [...recordsOf(batch)].map(({ fuelModel }) => fuelModel),
    [record.fuelModel, record.fuelModel, ''],
  );
});

test('a batch of somebody who is not trusted counts for its tenant, and is refused where it makes no sense', (t) => {
  const writer = new UsageBatchWriter(2);
  const [one, other] = [randomRecord(new Random(1)), randomRecord(new Random(2))];
  const batchOf = (change: (batch: UsageBatch) => Partial<UsageBatch> | undefined): UsageBatch => {
    append(writer, one);
    append(writer, other);
    const batch = writer.take();
    return { ...batch, ...change(batch) };
  };
  const tenant = 'apart' as TenantName;
  t.deepEqual(
    [
      ...recordsOf(
        ofTenant(
          batchOf(() => undefined),
          tenant,
        ),
      ),
    ],
    [
      { ...one, tenant },
      { ...other, tenant },
    ],
  );
  const bad: ((batch: UsageBatch) => Partial<UsageBatch> | undefined)[] = [
    () => ({ numbers: [] as never }),
    () => ({ ids: 7 as never }),
    () => ({ ids: one.invocationId }),
    () => ({ subjects: undefined as never }),
    () => ({ subjects: [] }),
    ({ numbers }) => ({ numbers: numbers.subarray(1) }),
    ({ numbers }) => void numbers.fill(-1, 6, 7),
    ({ numbers }) => void numbers.fill(0.5, 6, 7),
    ({ numbers }) => void numbers.fill(Number.NaN, 6, 7),
    ({ numbers }) => void numbers.fill(9, 0, 1),
    ({ numbers }) => void numbers.fill(99, 1, 2),
    ({ numbers }) => void numbers.fill(9_999, 2, 3),
  ];
  for (const change of bad)
    t.throws(() => ofTenant(batchOf(change), tenant), { instanceOf: TypeError }, String(change));
});

test("everything but the host's own faults is billed", (t) => {
  t.true(isBilled('returned'));
  for (const [code, { fault }] of Object.entries(ERROR_TABLE)) {
    t.is(isBilled(code as ErrorCode as UsageOutcome), fault !== 'host', code);
  }
});

test('memory x time is the peak in KiB for as long as the instance was held, rounded up to a KiB x ms', (t) => {
  const held = (peakMemoryBytes: number, initUs: number, execUs: number): number =>
    memoryTimeKiBMs({ peakMemoryBytes, initUs, execUs });
  t.is(held(0, 10, 10), 0);
  t.is(held(65_536, 0, 1_000), 64);
  t.is(held(65_536, 400, 601), 65, '64.064');
  t.is(held(1, 0, 1), 1);
  t.is(held(4 * 2 ** 30, 0, 900_000_000), 4 * 2 ** 20 * 900_000);
  t.is(egressBytes({ responseBytes: 3, outboundSentBytes: 4 }), 7);
});
