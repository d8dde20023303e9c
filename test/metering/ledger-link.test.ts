import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { LedgerLink } from '../../host/metering/ledger-link.ts';
import type { LedgerTenant } from '../../host/metering/ledger-messages.ts';
import { type UsageBatch, UsageBatchWriter } from '../../host/model/usage-batch.ts';
import type { UsageRecord } from '../../host/model/usage-record.ts';
import { DatabaseOpenError } from '../../host/store/database.ts';
import { Random } from '../instrument/random.ts';
import { randomRecord, useOfRecord } from './random-usage.ts';

const retention = { recordDays: 1e4, minuteDays: 1e4, hourDays: 1e4, dayDays: 1e4, maxRecords: 1e6 };
const NOVEMBER = { fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 11, 1) };

async function fileOf(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-ledger-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'usage.db');
}

interface Opened {
  readonly link: LedgerLink;
  readonly committed: LedgerTenant[];
  readonly reports: string[];
}

async function open(path: string, onCommitted: () => void = () => {}): Promise<Opened> {
  const committed: LedgerTenant[] = [];
  const reports: string[] = [];
  const link = await LedgerLink.open({
    path,
    retention,
    onCommitted: (tenants) => {
      committed.push(...tenants);
      onCommitted();
    },
    report: (message) => reports.push(message),
  });
  return { link, committed, reports };
}

function batchOf(records: readonly UsageRecord[]): UsageBatch {
  const writer = new UsageBatchWriter(records.length);
  for (const record of records) writer.append(record, record.fuelModel, useOfRecord(record));
  return writer.take();
}

test('what was sent is there for whoever asks next, is told of, and is there after closing', async (t) => {
  const path = await fileOf(t);
  const random = new Random(1);
  const records = Array.from({ length: 5_000 }, () => randomRecord(random, { outcome: 'returned' }));
  const { link, committed, reports } = await open(path);
  for (let i = 0; i < 4_000; i += 1_000) link.append(batchOf(records.slice(i, i + 1_000)));
  const { rows } = await link.call('rollups', { level: 'month', range: NOVEMBER, limit: 1_000 });
  t.is(
    rows.reduce((sum, { invocations }) => sum + invocations, 0n),
    4_000n,
  );
  t.deepEqual([...new Set(committed.map(({ tenant }) => tenant as string))].sort(), ['acme', 'umbrella']);
  link.append(batchOf(records.slice(4_000)));
  await link[Symbol.asyncDispose]();
  t.deepEqual(reports, []);

  const again = (await open(path)).link;
  const use = await again.call('billedUse', {
    tenant: 'acme' as never,
    generation: 1,
    month: 2026 * 12 + 10,
  });
  const ofAcme = records.filter(({ tenant }) => tenant === 'acme').length;
  t.is(
    use.reduce((sum, { invocations }) => sum + invocations, 0n),
    BigInt(ofAcme),
  );
  await again[Symbol.asyncDispose]();
});

test('a record that the ledger does not take is told of, and keeps no other out', async (t) => {
  const { link, reports } = await open(await fileOf(t));
  const random = new Random(2);
  const records = Array.from({ length: 10 }, () => randomRecord(random));
  link.append(batchOf(records.map((record, i) => (i === 4 ? { ...record, fuel: 0.5 } : record))));
  const { rows } = await link.call('records', { range: NOVEMBER, limit: 100 });
  t.is(rows.length, 9);
  t.is(reports.length, 1);
  t.regex(reports[0]!, /^usage records could not be written, and 1 are lost: /);
  await link[Symbol.asyncDispose]();
});

/** An error of the file, as a full disk is one, for as long. */
function failUntil(path: string, untilMs: number): void {
  const database = new DatabaseSync(path);
  database.exec(`
    CREATE TRIGGER full BEFORE INSERT ON records WHEN unixepoch('subsec') * 1000 < ${untilMs}
    BEGIN SELECT json('no JSON'); END
  `);
  database.close();
}

/** What is reported of ten records that cannot be written for as long. */
async function reportsOf(t: ExecutionContext, windowMs: number): Promise<readonly string[]> {
  const path = await fileOf(t);
  await (await open(path)).link[Symbol.asyncDispose]();
  failUntil(path, Date.now() + windowMs);
  const { promise: committed, resolve } = Promise.withResolvers<void>();
  const { link, reports } = await open(path, resolve);
  const random = new Random(3);
  link.append(batchOf(Array.from({ length: 10 }, () => randomRecord(random))));
  await committed;
  await link[Symbol.asyncDispose]();
  return reports;
}

test('what cannot be written is said once and tried until it is, which is said as well', async (t) => {
  // As long as two tries take at least; longer where the file opens as slowly.
  let reports: readonly string[] = [];
  for (let windowMs = 2_500; reports.length === 0; windowMs *= 2) reports = await reportsOf(t, windowMs);
  t.is(reports.length, 2, reports.join('\n'));
  t.regex(reports[0]!, /^usage records could not be written: Error: malformed JSON$/);
  t.regex(reports[1]!, /^usage records are written again after \d+ s; none was lost$/);
});

test('a file that is no database keeps the host from starting, and says so', async (t) => {
  const path = await fileOf(t);
  await writeFile(path, 'not a database, but long enough to be looked at as one'.repeat(100));
  await t.throwsAsync(open(path), { instanceOf: DatabaseOpenError, message: /cannot open .*usage\.db/ });
});
