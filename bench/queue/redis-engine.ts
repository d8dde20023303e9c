/** The Redis engine alone, on a Redis of its own: messages in and out, its processor time and ours, and whether a backlog makes them slower. */
import { readFileSync } from 'node:fs';
import type { QueueName, TenantName } from '../../host/model/ids.ts';
import { defaultQueueSettings, type QueueId } from '../../host/model/queue.ts';
import type { NewMessage } from '../../host/model/queue-message.ts';
import { RedisQueueEngine } from '../../host/store/queues/redis-queue-engine.ts';
import { RedisServer } from '../../test/harness/redis-server.ts';
import type { BenchReport, Figures } from '../run.ts';

const BATCH = 10;
/** Calls at a time, of each kind. */
const PARALLEL = 20;
const ROUND = 5_000;
const ROUNDS = 9;
const SMALL_BACKLOG = 1_000;
const LARGE_BACKLOG = 1_000_000;
/** Of the kernel's clock ticks, in which /proc counts processor time. */
const TICK_MICROS = 10_000;

const settings = defaultQueueSettings();
const claimOptions = { maxMessages: BATCH, maxBytes: 2 ** 20, visibilityMs: 600_000, maxClaims: 100_000 };

const message: NewMessage = {
  body: Buffer.alloc(100, '{"order":"12345678"}'),
  contentType: 'application/json',
  attributes: { 'ce-type': 'order.placed' },
};

interface Measured {
  readonly messagesPerSecond: number;
  readonly redisMicros: number;
  readonly hostMicros: number;
}

export async function redisEngineReport(): Promise<BenchReport> {
  // As Redis is by default; with `always` the disk is what is measured.
  await using server = await RedisServer.start({ settings: { appendfsync: 'everysec' } });
  await using engine = new RedisQueueEngine({ url: server.url });
  await new Promise<void>((resolve) => void engine.link.onReady(resolve));
  const [small, large] = [queue('small'), queue('large')];
  await send(engine, small, SMALL_BACKLOG);
  await send(engine, large, LARGE_BACKLOG, 1_000);
  const sent: Measured[] = [];
  const ofSmall: Measured[] = [];
  const ofLarge: Measured[] = [];
  // The first round is for the compilers.
  for (let round = 0; round <= ROUNDS; round++) {
    const [a, b, c] = [
      await measured(server, () => send(engine, small, ROUND)),
      await measured(server, () => consume(engine, small)),
      await measured(server, () => consume(engine, large)),
    ];
    if (round === 0) continue;
    sent.push(a);
    ofSmall.push(b);
    ofLarge.push(c);
  }
  const ratio = (pick: (each: Measured) => number): number =>
    median(ofLarge.map((each, round) => pick(each) / pick(ofSmall[round]!)));
  return {
    results: {
      'Redis: send': medians(sent),
      'Redis: claim and settle, backlog of a thousand': medians(ofSmall),
      'Redis: claim and settle, backlog of a million': medians(ofLarge),
    },
    ratios: {
      redis_drain_million_vs_thousand: ratio(({ messagesPerSecond }) => messagesPerSecond),
      redis_drain_cpu_million_vs_thousand: ratio(({ redisMicros }) => redisMicros),
    },
  };
}

function queue(name: string): QueueId {
  return { kind: 'queue', tenant: 'acme' as TenantName, name: name as QueueName };
}

async function send(engine: RedisQueueEngine, to: QueueId, count: number, batch = BATCH): Promise<void> {
  const messages = Array.from({ length: batch }, () => message);
  await inParallel(count / batch, async () => void (await engine.send(to, settings, messages)));
}

async function consume(engine: RedisQueueEngine, from: QueueId): Promise<void> {
  await inParallel(ROUND / BATCH, async () => {
    const [claim] = await engine.claim(from, claimOptions);
    if (claim?.messages.length !== BATCH) throw new Error('the backlog ran out');
    await engine.settle(
      claim,
      claim.messages.map(({ id }) => ({ id, kind: 'done' }) as const),
    );
  });
}

async function inParallel(calls: number, call: () => Promise<void>): Promise<void> {
  let left = calls;
  const caller = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: PARALLEL }, caller));
}

async function measured(server: RedisServer, work: () => Promise<void>): Promise<Measured> {
  const [startMs, redis, host] = [performance.now(), processorMicros(server.pid), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(host);
  return {
    messagesPerSecond: (ROUND / (performance.now() - startMs)) * 1_000,
    redisMicros: (processorMicros(server.pid) - redis) / ROUND,
    hostMicros: (user + system) / ROUND,
  };
}

/** User and system time of a process, the 14th and 15th field of its stat. */
function processorMicros(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MICROS;
}

function medians(all: readonly Measured[]): Figures {
  const of = (pick: (each: Measured) => number): number => median(all.map(pick));
  return {
    messagesPerSecond: of((each) => each.messagesPerSecond),
    redisMicros: of((each) => each.redisMicros),
    hostMicros: of((each) => each.hostMicros),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
