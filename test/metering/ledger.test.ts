import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Ledger, type UsageRetention } from '../../host/metering/ledger.ts';
import { checkMonth, type LevelCheck } from '../../host/metering/usage-check.ts';
import { recordPage, rollupPage, type UsageCursor } from '../../host/metering/usage-pages.ts';
import {
  columnOf,
  LEVEL_NUMBERS,
  RECORD_COLUMNS,
  USAGE_MIGRATIONS,
} from '../../host/metering/usage-schema.ts';
import { byHostCallColumn, HOST_CALL_COLUMNS } from '../../host/model/host-call-kind.ts';
import type { TenantName } from '../../host/model/ids.ts';
import { isBilled, memoryTimeKiBMs, type UsageRecord } from '../../host/model/usage-record.ts';
import { ROLLUP_LEVELS, ROLLUP_SUMS, startOf } from '../../host/model/usage-rollup.ts';
import { openDatabase } from '../../host/store/database.ts';
import { Random, seedOf } from '../instrument/random.ts';
import { randomRecord } from './random-usage.ts';

const FOR_EVER: UsageRetention = {
  recordDays: 10_000,
  minuteDays: 10_000,
  hourDays: 10_000,
  dayDays: 10_000,
  maxRecords: 1_000_000,
};
const NOVEMBER = { fromMs: Date.UTC(2026, 10, 1), toMs: Date.UTC(2026, 11, 1) };
const ACME = { tenant: 'acme' as TenantName, generation: 1 };

function ledgerOf(t: ExecutionContext, retention: Partial<UsageRetention> = {}): Ledger {
  const ledger = new Ledger({ path: ':memory:', retention: { ...FOR_EVER, ...retention } });
  t.teardown(() => ledger[Symbol.dispose]());
  return ledger;
}

function randomRecords(t: ExecutionContext, count: number): UsageRecord[] {
  const seed = seedOf('MAYFLY_USAGE_SEED');
  t.log(`seed ${seed}: MAYFLY_USAGE_SEED=${seed}`);
  const random = new Random(seed);
  return Array.from({ length: count }, () => randomRecord(random));
}

function allRecords(ledger: Ledger, limit: number): UsageRecord[] {
  const found: UsageRecord[] = [];
  let cursor: UsageCursor | undefined;
  do {
    const page = recordPage(ledger.database, NOVEMBER, limit, cursor);
    found.push(...page.rows);
    cursor = page.next;
  } while (cursor !== undefined);
  return found;
}

const byId = (a: UsageRecord, b: UsageRecord): number =>
  a.invocationId < b.invocationId ? -1 : a.invocationId > b.invocationId ? 1 : 0;

test('a record is kept once, whole, however often it is told of', (t) => {
  const ledger = ledgerOf(t);
  const records = randomRecords(t, 300);
  t.is(ledger.append(records.slice(0, 200)), 200);
  t.is(ledger.append([...records.slice(100), ...records.slice(250)]), 100);
  t.deepEqual(allRecords(ledger, 7).sort(byId), [...records].sort(byId));
  t.is(ledger.append([{ ...records[0]!, attempt: 99 }]), 1, 'another attempt is another record');
});

test('records of subjects that differ in one part only are told apart, one right behind the other', (t) => {
  const ledger = ledgerOf(t);
  const random = new Random(1);
  const first = randomRecord(random);
  const parts: Partial<UsageRecord>[] = [
    { tenant: 'other' as UsageRecord['tenant'] },
    { generation: 2 },
    { name: 'other' as UsageRecord['name'] },
    { version: 9 },
    { artifactKey: 'other' },
    { fuelModel: 'other' },
  ];
  // Every other one is of the first subject.
  const records = parts.flatMap((part) => [
    { ...first, invocationId: randomRecord(random).invocationId },
    { ...first, invocationId: randomRecord(random).invocationId, ...part },
  ]);
  t.is(ledger.append(records), 12);
  t.deepEqual(allRecords(ledger, 5).sort(byId), [...records].sort(byId));
});

test('roll-ups of each level are the sums of the records, host faults apart', (t) => {
  const ledger = ledgerOf(t);
  const records = randomRecords(t, 500);
  for (let i = 0; i < records.length; i += 37) ledger.append(records.slice(i, i + 37));
  for (const level of ROLLUP_LEVELS) {
    const { rows, next } = rollupPage(ledger.database, level, NOVEMBER, 10_000);
    t.is(next, undefined);
    const groups = Map.groupBy(
      records,
      (record) =>
        `${record.tenant} ${record.name} ${record.version} ${isBilled(record.outcome)} ${startOf(level, record.endedAtMs)}`,
    );
    t.is(rows.length, groups.size);
    for (const row of rows) {
      const group = groups.get(`${row.tenant} ${row.name} ${row.version} ${row.billed} ${row.startMs}`) ?? [];
      t.is(row.invocations, BigInt(group.length));
      t.is(
        row.fuel,
        group.reduce((sum, { fuel }) => sum + BigInt(fuel), 0n),
      );
      t.is(
        row.memoryTimeKiBMs,
        group.reduce((sum, record) => sum + BigInt(memoryTimeKiBMs(record)), 0n),
      );
      t.is(
        row.egressBytes,
        group.reduce((sum, record) => sum + BigInt(record.responseBytes + record.outboundSentBytes), 0n),
      );
      t.is(row.peakMemoryBytes, BigInt(Math.max(...group.map(({ peakMemoryBytes }) => peakMemoryBytes))));
      t.is(row.failures, BigInt(group.filter(({ outcome }) => outcome !== 'returned').length));
    }
  }
});

test('sums beyond 2^53 are exact', (t) => {
  const ledger = ledgerOf(t);
  const [record] = randomRecords(t, 1);
  const fuel = Number.MAX_SAFE_INTEGER;
  for (let attempt = 1; attempt <= 5; attempt++) ledger.append([{ ...record!, fuel, attempt }]);
  const { rows } = rollupPage(ledger.database, 'month', NOVEMBER, 10);
  t.is(rows[0]?.fuel, 5n * BigInt(fuel));
});

test('pages of roll-ups come to the same as one, and a range leaves out what is beyond it', (t) => {
  const ledger = ledgerOf(t);
  ledger.append(randomRecords(t, 200));
  const whole = rollupPage(ledger.database, 'day', NOVEMBER, 10_000).rows;
  const paged: (typeof whole)[number][] = [];
  let cursor: UsageCursor | undefined;
  do {
    const page = rollupPage(ledger.database, 'day', NOVEMBER, 3, cursor);
    paged.push(...page.rows);
    cursor = page.next;
  } while (cursor !== undefined);
  t.deepEqual(paged, [...whole]);
  const range = { ...ACME, fromMs: Date.UTC(2026, 10, 10), toMs: Date.UTC(2026, 10, 12) };
  const some = rollupPage(ledger.database, 'day', range, 10_000).rows;
  t.deepEqual(
    some,
    whole.filter(
      ({ tenant, startMs }) => tenant === 'acme' && startMs >= range.fromMs && startMs < range.toMs,
    ),
  );
});

test('the chain from records to the month holds, and a changed row breaks the link it is in', (t) => {
  const ledger = ledgerOf(t);
  ledger.append(randomRecords(t, 400));
  const check = (): LevelCheck[] => checkMonth(ledger.database, { ...ACME, ...NOVEMBER });
  for (const { from, to, invocations, differences } of check()) {
    t.true(invocations > 0n, `${from} = ${to} compares something`);
    t.deepEqual(differences, []);
  }
  ledger.database.exec(`UPDATE rollups SET fuel = fuel + 1 WHERE level = 3 AND (subject, start_ms) IN (
    SELECT r.subject, r.start_ms FROM rollups r JOIN subjects s ON s.id = r.subject
    WHERE s.tenant = 'acme' AND r.level = 3 LIMIT 1)`);
  const broken = check().filter(({ differences }) => differences.length > 0);
  t.deepEqual(
    broken.map(({ from, to }) => `${from} = ${to}`),
    ['hour = day', 'day = month'],
  );
});

test('what has been kept long enough goes, from the old end, and what is left still adds up', (t) => {
  const ledger = ledgerOf(t, { recordDays: 5, minuteDays: 10, hourDays: 20, dayDays: 20 });
  ledger.append(randomRecords(t, 3_000));
  const nowMs = Date.UTC(2026, 10, 30, 12, 34, 56);
  let turns = 1;
  while (ledger.trim(nowMs)) turns++;
  t.true(turns < 20);
  const keptMs = Date.UTC(2026, 10, 25, 12);
  t.is(ledger.keptFromMs('record'), keptMs);
  t.true(allRecords(ledger, 1_000).every(({ endedAtMs }) => endedAtMs >= keptMs));
  t.true(allRecords(ledger, 1_000).length > 0);
  const minutes = rollupPage(ledger.database, 'minute', NOVEMBER, 10_000).rows;
  t.true(minutes.every(({ startMs }) => startMs >= Date.UTC(2026, 10, 20, 12)));
  t.true(minutes.length > 0);
  t.is(ledger.keptFromMs('day'), Date.UTC(2026, 10, 1));
  for (const { from, to, invocations, differences } of checkMonth(ledger.database, {
    ...ACME,
    ...NOVEMBER,
  })) {
    t.deepEqual(differences, [], `${from} = ${to}`);
    t.true(invocations > 0n);
  }
});

test('a clock that was years ahead takes what is old by it, and nothing of what comes afterwards', (t) => {
  const ledger = ledgerOf(t, { recordDays: 5, minuteDays: 10, hourDays: 20, dayDays: 20 });
  const records = randomRecords(t, 2_000);
  const nowMs = Date.UTC(2026, 10, 15, 12, 34, 56);
  const [before, after] = [
    records.filter(({ endedAtMs }) => endedAtMs < nowMs),
    records.filter(({ endedAtMs }) => endedAtMs >= nowMs),
  ];
  ledger.append(before);
  while (ledger.trim(Date.UTC(2030, 0, 1)));
  t.deepEqual(allRecords(ledger, 1_000), []);
  ledger.append(after);
  while (ledger.trim(nowMs));
  const keptMs = Date.UTC(2026, 10, 15, 13);
  t.is(ledger.keptFromMs('record'), keptMs);
  t.is(allRecords(ledger, 1_000).length, after.length);
  while (ledger.trim(nowMs + 3_600_000));
  t.is(allRecords(ledger, 1_000).length, after.filter(({ endedAtMs }) => endedAtMs >= keptMs).length);
  for (const { from, to, differences } of checkMonth(ledger.database, { ...ACME, ...NOVEMBER }))
    t.deepEqual(differences, [], `${from} = ${to}`);
  const [ofHours] = checkMonth(ledger.database, { ...ACME, ...NOVEMBER });
  t.true(ofHours!.invocations > 0n);
});

test('the number of records is bounded, whatever their age', (t) => {
  const ledger = ledgerOf(t, { maxRecords: 100 });
  const records = randomRecords(t, 1_000);
  ledger.append(records);
  while (ledger.trim(NOVEMBER.toMs));
  const left = allRecords(ledger, 1_000);
  t.true(left.length <= 100 && left.length > 50, `${left.length}`);
  const newest = records.map(({ endedAtMs }) => endedAtMs).sort((a, b) => b - a);
  t.true(left.every(({ endedAtMs }) => endedAtMs >= newest[100]!));
});

test('a batch that cannot be written leaves nothing behind, and can be tried again', (t) => {
  const ledger = ledgerOf(t);
  const records = randomRecords(t, 10);
  const bad = { ...records[9]!, fuel: 0.5 };
  t.throws(() => ledger.append([...records.slice(0, 9), bad]));
  t.deepEqual(allRecords(ledger, 100), []);
  t.is(ledger.append(records), 10);
});

test('a subject that came with a batch that cannot be written is new to the next', (t) => {
  const ledger = ledgerOf(t);
  const [record] = randomRecords(t, 1);
  t.throws(() => ledger.append([record!, { ...record!, attempt: 99, fuel: 0.5 }]));
  t.is(ledger.append([record!]), 1);
  t.deepEqual(allRecords(ledger, 100), [record!]);
});

test('a file from before host calls were told apart opens: none of any kind then, and they add up from now on', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-ledger-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const path = join(folder, 'usage.db');
  const seed = seedOf('MAYFLY_USAGE_SEED');
  t.log(`seed ${seed}: MAYFLY_USAGE_SEED=${seed}`);
  const random = new Random(seed);
  const noCalls = byHostCallColumn(() => 0);
  const old = randomRecord(random, { outcome: 'returned', ...noCalls });
  const { tenant, generation, name, version, artifactKey, fuelModel } = old;
  const columns = RECORD_COLUMNS.filter((column) => !(column in noCalls));
  const database = openDatabase({ path, synchronous: 'NORMAL', migrations: USAGE_MIGRATIONS.slice(0, 1) });
  database
    .prepare('INSERT INTO subjects VALUES (1, ?, ?, ?, ?, ?, ?)')
    .run(tenant, generation, name, version, artifactKey, fuelModel);
  database
    .prepare(
      `INSERT INTO records (${columns.map(columnOf).join(', ')}, subject) VALUES (${columns.map(() => '?').join(', ')}, 1)`,
    )
    .run(...columns.map((column) => old[column]));
  const sums = ROLLUP_SUMS.filter((sum) => !(sum in noCalls));
  const start = startOf('minute', old.endedAtMs);
  database
    .prepare(
      `INSERT INTO rollups (subject, level, start_ms, billed, peak_memory_bytes, ${sums.map(columnOf).join(', ')})
       VALUES (1, ?, ?, 1, 0, ${sums.map(() => '7').join(', ')})`,
    )
    .run(LEVEL_NUMBERS.minute, start);
  database.close();

  using ledger = new Ledger({ path, retention: FOR_EVER });
  t.deepEqual(allRecords(ledger, 10), [old]);
  const rollups = () => rollupPage(ledger.database, 'minute', NOVEMBER, 10).rows;
  t.like(rollups()[0], { invocations: 7n, waitingCalls: 7n, ...byHostCallColumn(() => 0n) });
  const next = randomRecord(random, {
    ...{ name, version, artifactKey, tenant, endedAtMs: old.endedAtMs, outcome: 'returned' },
    ...byHostCallColumn((_column, kind) => 10 + kind),
  });
  t.is(ledger.append([old, next]), 1);
  t.deepEqual(allRecords(ledger, 10).sort(byId), [old, next].sort(byId));
  t.is(rollups().length, 1);
  t.like(rollups()[0], { invocations: 8n, ...byHostCallColumn((_column, kind) => BigInt(10 + kind)) });
});

test('every column and sum is in the file, and nothing else is', (t) => {
  const { database } = ledgerOf(t);
  const columnsOf = (table: string): string[] =>
    database
      .prepare(`SELECT name FROM pragma_table_info('${table}')`)
      .all()
      .map((row) => String(row['name']))
      .sort();
  t.deepEqual(columnsOf('records'), [...RECORD_COLUMNS.map(columnOf), 'subject'].sort());
  const keys = ['subject', 'level', 'start_ms', 'billed', 'peak_memory_bytes'];
  t.deepEqual(columnsOf('rollups'), [...ROLLUP_SUMS.map(columnOf), ...keys].sort());
  t.true(HOST_CALL_COLUMNS.every((column) => columnsOf('records').includes(columnOf(column))));
});
