/**
 * Bill, ledger and metrics of a host that is killed at random moments, life after life, seen from outside: by its replies, its API, and what a
 * scraper gets.
 *
 * 1. Of every life: each reply has its record with the same fuel, but for those of the last second before a kill; what a scrape had counted is in the
 *    ledger, but for the same; no record is of nothing that was called; the bill follows from the records, and verifies.
 * 2. Of a life that ends by itself: ledger, metrics and bill agree to the unit.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { UsageRecordJson } from '../../host/control-plane/usage-schemas.ts';
import { decimalOf, divideHalfUp } from '../../host/metering/pricing.ts';
import { HostProcess } from '../harness/host-process.ts';
import { Random } from '../instrument/random.ts';
import { parseExposition } from '../metering/telemetry/exposition-parser.ts';
import { deployAll, operate, runTraffic, TENANTS, type UsageReply } from './usage-traffic.ts';

/** docs/from-call-to-invoice.md: what a killed host may have forgotten. */
const WINDOW_MS = 1_000;
const CALLERS = 8;
const TOKEN = 'token-for-scrapers-0123';
const ENV = { MAYFLY_EXAMPLES: '0', MAYFLY_METRICS_TOKEN: TOKEN };
const DIGITS = 6;
const FREE_REQUESTS = 50n;
const PRICES = {
  currency: { code: 'EUR', minorUnitDigits: DIGITS },
  prices: {
    requests: [{ upTo: Number(FREE_REQUESTS), price: '0' }, { price: '0.000003' }],
    fuel: [{ price: '0.0000071' }],
    memory: [{ price: '0.00002' }],
    egress: [{ price: '0.08' }],
  },
};

export interface UsageCrashOptions {
  readonly lives: number;
  readonly seed: number;
  readonly say: (line: string) => void;
}

export interface UsageCrashResult {
  readonly replies: number;
  readonly records: number;
  readonly kills: number;
  readonly forgotten: number;
  /** How long before a kill the oldest reply was read whose record is missing. */
  readonly oldestForgottenMs: number;
  readonly outcomes: readonly string[];
  /** Empty where everything agrees. */
  readonly faults: readonly string[];
}

/** Sums of one outcome of a function of a tenant. */
interface Tally {
  count: bigint;
  fuel: bigint;
  egress: bigint;
  memory: bigint;
}
type Tallies = Map<string, Tally>;

export async function usageCrashRun({ lives, seed, say }: UsageCrashOptions): Promise<UsageCrashResult> {
  const random = new Random(seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-usage-crash-'));
  const faults: string[] = [];
  const outcomes = new Set<string>();
  let [replies, kills, forgotten, oldestForgottenMs] = [0, 0, 0, 0];
  let before = new Map<string, UsageRecordJson>();
  let host = await HostProcess.ready(dataDir, ENV);
  try {
    await deployAll(host);
    await operate(host, 'POST', '/prices', { from: new Date().toISOString().slice(0, 7), ...PRICES });
    for (let life = 1; life <= lives; life++) {
      // The first one is killed, the last one ends by itself, and some before it.
      const isKilled = life < lives && (life === 1 || random.below(4) > 0);
      const fault = (text: string): number => faults.push(`life ${life}: ${text}`);
      const lived = await liveOnce(host, random, isKilled);
      replies += lived.replies.length;
      if (isKilled) kills++;
      const { endedMs } = lived;
      if (isKilled) host = await HostProcess.ready(dataDir, ENV);
      let after = await ledgerOf(host);
      if (!isKilled) {
        // What is committed is seen at once; what was gathered takes its window.
        while (lived.replies.some(({ id }) => !after.has(`${id}/1`))) after = await ledgerOf(host);
        for (let size = -1; size !== after.size; after = await ledgerOf(host)) {
          size = after.size;
          await untilCommitted(host);
        }
      }
      const ofLife = new Map([...after].filter(([key]) => !before.has(key)));
      for (const key of before.keys()) if (!after.has(key)) fault(`the record ${key} is gone`);
      let missing = 0;
      for (const { id, fuel, atMs, tenant, name } of lived.replies) {
        const record = ofLife.get(`${id}/1`);
        if (record === undefined) {
          missing++;
          oldestForgottenMs = Math.max(oldestForgottenMs, endedMs - atMs);
          if (!isKilled || endedMs - atMs > WINDOW_MS) fault(`the reply ${id} has no record`);
        } else {
          outcomes.add(record.outcome);
          if (fuel !== undefined && record.fuel !== fuel)
            fault(`${id}: ${fuel} fuel, recorded ${record.fuel}`);
          if (record.tenant !== tenant || record.function !== name) fault(`${id} is another's record`);
        }
      }
      forgotten += missing;
      // What nobody read, and what was hung up on, may be forgotten without a reply.
      const unread = lived.hangUpsMs.filter((atMs) => endedMs - atMs <= WINDOW_MS).length + CALLERS;
      const slack = isKilled && endedMs - lived.scrapedMs <= WINDOW_MS ? missing + unread : 0;
      within(lived.scraped, tally(ofLife), slack, fault);
      if (!isKilled) {
        const metrics = await scrape(host);
        within(metrics, tally(ofLife), 0, fault);
        within(tally(ofLife), metrics, 0, fault);
      }
      await checkBills(host, after, fault);
      say(
        `life ${life}: ${lived.replies.length} replies, ${ofLife.size} records, ${isKilled ? `killed, ${missing} forgotten` : 'ended by itself'}`,
      );
      before = after;
      if (isKilled) continue;
      host.kill('SIGTERM');
      await host.exit;
      if (life < lives) host = await HostProcess.ready(dataDir, ENV);
    }
  } finally {
    await host[Symbol.asyncDispose]();
    await rm(dataDir, { recursive: true, force: true });
  }
  const records = before.size;
  return { replies, records, kills, forgotten, oldestForgottenMs, outcomes: [...outcomes].sort(), faults };
}

interface Life {
  readonly replies: readonly UsageReply[];
  /** Some moment during the traffic. */
  readonly scraped: Tallies;
  readonly scrapedMs: number;
  readonly hangUpsMs: readonly number[];
  readonly endedMs: number;
}

/** Traffic for a random time, a scrape at a random moment of it, and where it is to be, a kill at its end. */
async function liveOnce(host: HostProcess, random: Random, isKilled: boolean): Promise<Life> {
  const replies: UsageReply[] = [];
  const hangUpsMs: number[] = [];
  let isOver = false;
  // In replies rather than by the clock: some before the scrape, and some between it and the end.
  const scrapeAt = 20 + random.below(150);
  const endAt = scrapeAt + random.below(isKilled ? 300 : 100);
  const reached = new Map([scrapeAt, endAt].map((count) => [count, Promise.withResolvers<void>()]));
  const traffic = runTraffic({
    origin: host.origin,
    key: await host.adminKey(),
    random,
    callers: CALLERS,
    isOver: () => isOver,
    hungUp: () => hangUpsMs.push(performance.now()),
    heard: (reply) => {
      replies.push(reply);
      for (const [count, { resolve }] of reached) if (replies.length >= count) resolve();
    },
  });
  await Promise.race([reached.get(scrapeAt)!.promise, traffic]);
  const scraped = await scrape(host);
  const scrapedMs = performance.now();
  await Promise.race([reached.get(endAt)!.promise, traffic]);
  isOver = true;
  const endedMs = performance.now();
  if (isKilled) {
    host.kill('SIGKILL');
    await host.exit;
    await host[Symbol.asyncDispose]();
  }
  await traffic;
  return { replies, scraped, scrapedMs, hangUpsMs, endedMs };
}

/** All there is of today and, around midnight, of yesterday; by id and attempt. */
async function ledgerOf(host: HostProcess): Promise<Map<string, UsageRecordJson>> {
  const from = new Date(Date.now() - 86_400_000).toISOString();
  const text = await operate(host, 'GET', `/usage?level=record&format=jsonl&from=${from}`);
  const records = text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as UsageRecordJson);
  return new Map(records.map((record) => [`${record.invocationId}/${record.attempt}`, record]));
}

async function exposition(host: HostProcess): Promise<ReturnType<typeof parseExposition>> {
  const { status, text } = await host.request('/metrics', { headers: { authorization: `Bearer ${TOKEN}` } });
  if (status !== 200) throw new Error(`/metrics: ${status} ${text}`);
  return parseExposition(text);
}

/** Everything that a thread had gathered before is with the ledger, and on the disk: longer than the window of a thread. */
async function untilCommitted(host: HostProcess): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    const samples = await exposition(host);
    const pending = samples.find(({ name }) => name === 'mayfly_ledger_pending')?.value ?? 0;
    if (pending === 0 && performance.now() - startedMs > WINDOW_MS / 2) return;
  }
}

async function scrape(host: HostProcess): Promise<Tallies> {
  const tallies: Tallies = new Map();
  const counts = ['faas_invocations_total', 'faas_errors_total', 'faas_timeouts_total'];
  for (const { name, labels, value } of await exposition(host)) {
    const [outcome, whole] = [outcomeOf(name, labels), `${labels['mayfly_tenant']}/${labels['faas_name']}`];
    if (counts.includes(name)) entryOf(tallies, `${whole} ${outcome}`).count += BigInt(value);
    else if (name === 'mayfly_fuel_total') entryOf(tallies, whole).fuel += BigInt(value);
    else if (name === 'mayfly_egress_bytes_total') entryOf(tallies, whole).egress += BigInt(value);
    // 1.024 byte-seconds are a KiB for a millisecond; both are sums of whole such.
    else if (name.startsWith('mayfly_memory_time'))
      entryOf(tallies, whole).memory += BigInt(Math.round(value / 1.024));
  }
  return tallies;
}

function outcomeOf(metric: string, labels: Readonly<Record<string, string>>): string {
  if (metric === 'faas_invocations_total') return 'returned';
  return metric === 'faas_timeouts_total' ? 'timed_out' : (labels['error_type'] ?? '');
}

function tally(records: ReadonlyMap<string, UsageRecordJson>): Tallies {
  const tallies: Tallies = new Map();
  for (const record of records.values()) {
    const whole = `${record.tenant}/${record.function}`;
    entryOf(tallies, `${whole} ${record.outcome}`).count++;
    if (record.start === 'none') continue;
    const sums = entryOf(tallies, whole);
    sums.fuel += BigInt(record.fuel);
    sums.egress += BigInt(record.egressBytes);
    sums.memory += BigInt(record.memoryTimeKiBMs);
  }
  return tallies;
}

function entryOf(tallies: Tallies, key: string): Tally {
  const known = tallies.get(key) ?? { count: 0n, fuel: 0n, egress: 0n, memory: 0n };
  tallies.set(key, known);
  return known;
}

/** Whether `some` is no more than `all`; with `slack`, in counts alone and but for so many. */
function within(some: Tallies, all: Tallies, slack: number, fault: (text: string) => void): void {
  for (const [key, { count, fuel, egress, memory }] of some) {
    const whole = all.get(key) ?? { count: 0n, fuel: 0n, egress: 0n, memory: 0n };
    if (count > whole.count + BigInt(slack)) fault(`${key}: ${count} of ${whole.count}, slack ${slack}`);
    if (slack > 0) continue;
    if (fuel > whole.fuel) fault(`${key}: ${fuel} of ${whole.fuel} fuel`);
    if (egress > whole.egress) fault(`${key}: ${egress} of ${whole.egress} bytes`);
    if (memory > whole.memory) fault(`${key}: ${memory} of ${whole.memory} KiB x ms`);
  }
}

/** The bill of each tenant and month, by hand and by the host's own proof. */
async function checkBills(
  host: HostProcess,
  ledger: ReadonlyMap<string, UsageRecordJson>,
  fault: (text: string) => void,
): Promise<void> {
  for (const tenant of TENANTS) {
    const records = [...ledger.values()].filter((record) => record.tenant === tenant);
    for (const month of new Set(records.map(({ endedAt }) => endedAt.slice(0, 7)))) {
      const billed = records.filter((record) => record.billed && record.endedAt.startsWith(month));
      const path = `/tenants/${tenant}/invoices/${month}`;
      const invoice = JSON.parse(await operate(host, 'GET', path));
      const total = priceOf(billed);
      if (invoice.total !== total) fault(`${tenant} ${month}: billed ${invoice.total}, by hand ${total}`);
      const proof = JSON.parse(await operate(host, 'GET', `${path}/verification`));
      if (!proof.holds || proof.totalFromRecords !== total)
        fault(`${tenant} ${month}: the proof says ${JSON.stringify(proof)}`);
    }
  }
}

function priceOf(billed: readonly UsageRecordJson[]): string {
  const sum = (of: (record: UsageRecordJson) => number): bigint =>
    billed.reduce((all, record) => all + BigInt(of(record)), 0n);
  const beyondFree = BigInt(billed.length) - FREE_REQUESTS;
  const requests = beyondFree > 0n ? beyondFree * 3n : 0n;
  const fuel = divideHalfUp(sum((record) => record.fuel) * 71n, 10n * 1_000_000n);
  const memory = divideHalfUp(sum((record) => record.memoryTimeKiBMs) * 20n, 1_048_576_000n);
  const egress = divideHalfUp(sum((record) => record.egressBytes) * 80_000n, 2n ** 30n);
  return decimalOf(requests + fuel + memory + egress, DIGITS);
}
