/** What the process of an isolated tenant says in batches: a guest that has taken it over can speak, too. */
import test from 'ava';
import type { TenantName } from '../../host/model/ids.ts';
import {
  COLUMNS,
  ID_BYTES,
  type SpanBatch,
  SpanBatchWriter,
  type SpanSubject,
} from '../../host/model/span-batch.ts';
import { batchOfTenant } from '../../host/model/span-batch-check.ts';
import { Random } from '../instrument/random.ts';
import { randomRecord } from '../metering/random-usage.ts';
import { invocationOf } from '../metering/telemetry/random-invocations.ts';

const APART = 'apart' as TenantName;

function batch(): SpanBatch {
  const random = new Random(1);
  const writer = new SpanBatchWriter(2);
  writer.append({
    ...invocationOf(random, randomRecord(random, { trigger: 'http' })),
    http: { method: 'GET', path: '/here', status: 200 },
  });
  writer.append(invocationOf(random, randomRecord(random, { trigger: 'schedule' })));
  return writer.take();
}

test('a batch is of the tenant whose process tells of it, whatever it says', (t) => {
  const said = batch();
  const taken = batchOfTenant(said, APART);
  t.deepEqual(taken, { ...said, subjects: said.subjects.map((subject) => ({ ...subject, tenant: APART })) });
});

type Change = (batch: SpanBatch) => Partial<Record<keyof SpanBatch, unknown>>;

const subject =
  (change: Partial<Record<keyof SpanSubject, unknown>>): Change =>
  ({ subjects }) => ({ subjects: subjects.map((each) => ({ ...each, ...change })) });

/** @param column of the first record */
const number =
  (column: number, value: number): Change =>
  ({ numbers }) => ({ numbers: numbers.with(column, value) });

const [SUBJECT, PATH, , END, QUEUE, , , FUEL, , ATTEMPT] = Array.from(
  { length: COLUMNS },
  (_, i) => i,
) as number[];

const SENSELESS: Readonly<Record<string, Change>> = {
  'ids that are none': () => ({ ids: 'ids' }),
  'numbers that are none': ({ numbers }) => ({ numbers: [...numbers] }),
  'half a record': ({ numbers }) => ({ numbers: numbers.slice(1) }),
  'records without ids': ({ ids }) => ({ ids: ids.slice(ID_BYTES) }),
  'more records than a batch has': () => ({
    ids: new Uint8Array(2_000 * ID_BYTES).fill(0x30),
    numbers: new Float64Array(2_000 * COLUMNS),
  }),
  'more paths than records': () => ({ paths: ['/', '/', '/'] }),
  'a path that is none': () => ({ paths: [{}] }),
  'a path without an end': () => ({ paths: ['/'.repeat(5_000)] }),
  'an outcome that there is not': subject({ outcome: 'toString' }),
  'a trigger that there is not': subject({ trigger: 'magic' }),
  'a start that there is not': subject({ start: 'lukewarm' }),
  'a name without an end': subject({ name: 'f'.repeat(5_000) }),
  'a version that is none': subject({ version: '1' }),
  'a method that is none': subject({ method: {} }),
  'a status that is none': subject({ status: 1e9 }),
  'a record of nothing': number(SUBJECT!, 7),
  'a record of half a subject': number(SUBJECT!, 0.5),
  'a path that is not there': number(PATH!, 1),
  'a path before the first': number(PATH!, -2),
  'an end that never comes': number(END!, Number.POSITIVE_INFINITY),
  'a time before all times': number(QUEUE!, -1),
  'fuel that is no number': number(FUEL!, Number.NaN),
  'fuel beyond what is counted': number(FUEL!, 2 ** 53),
  'half an attempt': number(ATTEMPT!, 1.5),
  'an id that is no text': ({ ids }) => ({ ids: ids.with(ID_BYTES - 1, 0xff) }),
};

for (const [name, change] of Object.entries(SENSELESS)) {
  test(`${name} is refused`, (t) => {
    const said = batch();
    t.throws(() => batchOfTenant({ ...said, ...change(said) } as SpanBatch, APART), {
      instanceOf: TypeError,
    });
  });
}
