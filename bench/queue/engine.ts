/** The embedded engine alone: how many messages a second go in and out, and whether a backlog makes them slower. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { QueueName, TenantName } from '../../host/model/ids.ts';
import { defaultQueueSettings, type QueueId } from '../../host/model/queue.ts';
import type { NewMessage } from '../../host/model/queue-message.ts';
import type { QueueEngine } from '../../host/store/queues/queue-engine.ts';
import { SqliteQueues } from '../../host/store/queues/sqlite-queues.ts';
import type { BenchReport, Figures } from '../run.ts';

const BATCH = 10;
const SENDERS = 50;
const CONSUMERS = 10;
/** Messages that one measurement moves, and how often each is repeated, in turn with the others. */
const ROUND = 1_000;
const ROUNDS = 31;
const SMALL_BACKLOG = 1_000;
const LARGE_BACKLOG = 1_000_000;

const queue: QueueId = { kind: 'queue', tenant: 'acme' as TenantName, name: 'orders' as QueueName };
const settings = defaultQueueSettings();
const claimOptions = { maxMessages: BATCH, maxBytes: 2 ** 20, visibilityMs: 600_000, maxClaims: 1_000 };

/** 100 bytes, as an event of a few fields has. */
const message: NewMessage = {
  body: Buffer.alloc(100, '{"order":"12345678"}'),
  contentType: 'application/json',
  attributes: { 'ce-type': 'order.placed' },
};

async function send(engine: QueueEngine, count: number, senders: number, batch = BATCH): Promise<number[]> {
  const latenciesMs: number[] = [];
  let left = count;
  const sender = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(batch, left);
      left -= size;
      const startMs = performance.now();
      await engine.send(
        queue,
        settings,
        Array.from({ length: size }, () => message),
      );
      latenciesMs.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: senders }, sender));
  return latenciesMs;
}

async function consume(engine: QueueEngine, count: number): Promise<void> {
  let left = count;
  const consumer = async (): Promise<void> => {
    while (left > 0) {
      const size = Math.min(BATCH, left);
      left -= size;
      const [claim] = await engine.claim(queue, { ...claimOptions, maxMessages: size });
      if (claim?.messages.length !== size) throw new Error('the backlog ran out');
      await engine.settle(
        claim,
        claim.messages.map(({ id }) => ({ id, kind: 'done' }) as const),
      );
    }
  };
  await Promise.all(Array.from({ length: CONSUMERS }, consumer));
}

interface Measured {
  readonly messagesPerSecond: number;
  /** Of all threads of the process, per message. Says more than the rate on a machine that does other work. */
  readonly cpuMicros: number;
}

async function measured(count: number, work: () => Promise<unknown>): Promise<Measured> {
  const startMs = performance.now();
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  const messagesPerSecond = (count / (performance.now() - startMs)) * 1_000;
  return { messagesPerSecond, cpuMicros: (user + system) / count };
}

function medians(all: readonly Measured[], more: Figures = {}): Figures {
  return {
    messagesPerSecond: median(all.map(({ messagesPerSecond }) => messagesPerSecond)),
    cpuMicros: median(all.map(({ cpuMicros }) => cpuMicros)),
    ...more,
  };
}

async function measure(folder: string): Promise<BenchReport> {
  await using small = new SqliteQueues({ path: join(folder, 'small.db') });
  await using large = new SqliteQueues({ path: join(folder, 'large.db') });
  await send(small, SMALL_BACKLOG, SENDERS);
  await send(large, LARGE_BACKLOG, 4, 1_000);
  const loopDelay = monitorEventLoopDelay({ resolution: 1 });
  loopDelay.enable();
  const together: Measured[] = [];
  const alone: Measured[] = [];
  const ofSmall: Measured[] = [];
  const ofLarge: Measured[] = [];
  const togetherMs: number[] = [];
  const aloneMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    together.push(await measured(ROUND, async () => togetherMs.push(...(await send(small, ROUND, SENDERS)))));
    ofSmall.push(await measured(ROUND, () => consume(small, ROUND)));
    ofLarge.push(await measured(ROUND, () => consume(large, ROUND)));
    alone.push(await measured(ROUND / 5, async () => aloneMs.push(...(await send(large, ROUND / 5, 1)))));
  }
  loopDelay.disable();
  const purge = await measured(LARGE_BACKLOG, () => large.purge(queue, 'waiting'));
  const latency = (values: readonly number[]): Figures => ({
    p50Ms: quantile(values, 0.5),
    p99Ms: quantile(values, 0.99),
  });
  const ratioOf = (pick: (each: Measured) => number): number =>
    median(ofLarge.map((each, round) => pick(each) / pick(ofSmall[round]!)));
  return {
    results: {
      'send, one at a time': medians(alone, latency(aloneMs)),
      'send, 50 at a time': medians(together, latency(togetherMs)),
      'claim and settle, backlog of a thousand': medians(ofSmall),
      'claim and settle, backlog of a million': medians(ofLarge),
      'purge of a million': { ...purge },
      'event loop': { p50Ms: loopDelay.percentile(50) / 1e6, p99Ms: loopDelay.percentile(99) / 1e6 },
    },
    ratios: {
      queue_drain_million_vs_thousand: ratioOf(({ messagesPerSecond }) => messagesPerSecond),
      queue_drain_cpu_million_vs_thousand: ratioOf(({ cpuMicros }) => cpuMicros),
    },
  };
}

export async function engineReport(): Promise<BenchReport> {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-bench-queue-'));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
