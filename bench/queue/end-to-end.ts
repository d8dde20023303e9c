/** Messages through a whole host, beside BullMQ on the same Redis in the same run. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import { eventGuest } from '../../test/harness/event-guests.ts';
import { RedisServer } from '../../test/harness/redis-server.ts';
import type { BenchReport, Figures } from '../run.ts';
import { BullMq } from './bullmq.ts';
import { BODY, QueueHost } from './queue-host.ts';

const PEERS = join(tmpdir(), 'mayfly-bench', 'bullmq');
/** Messages that one measurement moves; each is repeated in turn with the others. */
const ROUND = 20_000;
const ROUNDS = 5;
const CONCURRENCIES = [10, 50, 100, 200, 500];
const SMALL_BACKLOG = 1_000;
const LARGE_BACKLOG = 1_000_000;
const BACKLOG_ROUNDS = 15;
const BACKLOG_CONCURRENCY = 10;
const SAMPLES = 200;

const NO_OP = 'export default { queue() {} };\n';
/** Says at once that it has the message. */
const TELLING = `export default {
  async queue(batch, env) { await fetch(env.TELL + batch.messages[0].text()); },
  fetch: () => new Response('done'),
};
`;

interface Rate {
  readonly messagesPerSecond: number;
  /** Of the process that handles them, per message; without Redis. */
  readonly cpuMicros: number;
}

function rateOf(messages: number, elapsedMs: number, cpuMicros: number): Rate {
  return { messagesPerSecond: (messages / elapsedMs) * 1_000, cpuMicros: cpuMicros / messages };
}

async function build(folder: string, name: string, source: string): Promise<Uint8Array> {
  const file = join(folder, `${name}.ts`);
  await writeFile(file, source);
  return (await buildHandler(file)).component;
}

async function throughput(
  hosts: ReadonlyMap<string, QueueHost>,
  bull: BullMq,
  guests: readonly string[],
): Promise<{ readonly results: Record<string, Figures>; readonly ratios: Record<string, number> }> {
  const bullRate = async (concurrency: number, jobs: number): Promise<Rate> => {
    const { elapsedMs, cpuMicros } = await bull.round({ jobs, concurrency });
    return rateOf(jobs, elapsedMs, cpuMicros);
  };
  await bullRate(100, ROUND);
  const results: Record<string, Figures> = {};
  let best = 0;
  for (const concurrency of CONCURRENCIES) {
    const rate = await bullRate(concurrency, ROUND / 4);
    results[`bullmq, concurrency ${concurrency}`] = { ...rate };
    if (rate.messagesPerSecond > (results[`bullmq, concurrency ${best}`]?.['messagesPerSecond'] ?? 0))
      best = concurrency;
  }
  const ours = [...hosts].flatMap(([engine, host]) =>
    guests.map((guest) => ({ name: `${engine}, ${guest}`, host, guest, rates: [] as Rate[] })),
  );
  const peer: Rate[] = [];
  // The first round is for the compiler of each.
  for (let round = 0; round <= ROUNDS; round++) {
    if (round > 0) peer.push(await bullRate(best, ROUND));
    for (const { host, guest, rates } of ours) {
      await host.fill(guest, ROUND);
      const { messages, elapsedMs, cpuMicros } = await host.drain(guest, ROUND);
      if (round > 0) rates.push(rateOf(messages, elapsedMs, cpuMicros));
    }
  }
  results[`bullmq at its best (${best})`] = medians(peer);
  for (const { name, rates } of ours) results[name] = medians(rates);
  const ratio = (name: string, field: keyof Rate): number => {
    const rates = ours.find((each) => each.name === name)!.rates;
    return median(rates.map((rate, round) => rate[field] / peer[round]![field]));
  };
  return {
    results,
    ratios: {
      queue_vs_bullmq: ratio('redis, small', 'messagesPerSecond'),
      queue_vs_bullmq_quickjs: ratio('redis, quickjs', 'messagesPerSecond'),
      queue_vs_bullmq_sqlite: ratio('sqlite, small', 'messagesPerSecond'),
      queue_cpu_vs_bullmq: ratio('redis, small', 'cpuMicros'),
    },
  };
}

/** From the request that sends one message into an idle queue until its guest says that it has it. */
async function latencies(host: QueueHost, told: Told): Promise<number[]> {
  await host.setEnabled('telling', true);
  const all: number[] = [];
  for (let sample = -20; sample < SAMPLES; sample++) {
    const text = `/${sample}`;
    const heard = told.next(text);
    const startMs = performance.now();
    await host.api('POST', '/queues/telling/messages', text, { 'content-type': 'text/plain' });
    const latencyMs = (await heard) - startMs;
    if (sample >= 0) all.push(latencyMs);
    await idle(host);
  }
  await host.setEnabled('telling', false);
  return all;
}

async function idle(host: QueueHost): Promise<void> {
  while ((await host.api('GET', '/event-source-mappings/telling')).status.inFlight > 0);
}

/** What an asynchronous invocation's caller waits for, ten of them at a time. */
async function acceptLatencies(host: QueueHost): Promise<number[]> {
  const all: number[] = [];
  const caller = async (): Promise<void> => {
    for (let call = 0; call < SAMPLES; call++) {
      const startMs = performance.now();
      await host.invokeAsync('telling', BODY);
      all.push(performance.now() - startMs);
    }
  };
  await Promise.all(Array.from({ length: 10 }, caller));
  return all;
}

/** The same number of messages out of a large backlog and out of a small one, in turn. */
async function backlog(host: QueueHost): Promise<{ readonly small: Rate[]; readonly large: Rate[] }> {
  await host.fill('large', LARGE_BACKLOG);
  // A tenth of the thousand in work at a time: else all of it is claimed at once, and of the million twice as much as is measured.
  for (const name of ['small', 'large']) await host.setConcurrency(name, BACKLOG_CONCURRENCY);
  const small: Rate[] = [];
  const large: Rate[] = [];
  for (let round = 0; round <= BACKLOG_ROUNDS; round++) {
    await host.fill('small', SMALL_BACKLOG);
    for (const [name, rates] of [
      ['small', small],
      ['large', large],
    ] as const) {
      const { messages, elapsedMs, cpuMicros } = await host.drain(name, SMALL_BACKLOG);
      if (round > 0) rates.push(rateOf(messages, elapsedMs, cpuMicros));
    }
  }
  return { small, large };
}

/** Hears guests say what they have. */
class Told implements AsyncDisposable {
  readonly #server = createServer((request, response) => {
    this.#waiting.get(request.url ?? '')?.(performance.now());
    response.writeHead(204).end();
  });
  readonly #waiting = new Map<string, (atMs: number) => void>();

  static async start(): Promise<Told> {
    const told = new Told();
    told.#server.listen(0, '127.0.0.1');
    await once(told.#server, 'listening');
    return told;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** When that path is asked for. */
  next(path: string): Promise<number> {
    return new Promise((resolve) => void this.#waiting.set(path, resolve));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export async function endToEndReport(): Promise<BenchReport> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-guests-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const told = stack.use(await Told.start());
  const redis = stack.use(await RedisServer.start());
  const small = await eventGuest('queue');
  const quickjs = await build(folder, 'no-op', NO_OP);
  const telling = await build(folder, 'telling', TELLING);
  const hosts = new Map<string, QueueHost>();
  for (const [engine, env] of [
    ['redis', { MAYFLY_REDIS_URL: redis.url }],
    ['sqlite', {}],
  ] as const) {
    const host = stack.use(await QueueHost.start(env));
    hosts.set(engine, host);
    for (const name of ['small', 'large']) await host.prepare(name, small);
    await host.prepare('quickjs', quickjs);
    const environment = { TELL: `http://${told.host}` };
    await host.prepare('telling', telling, { allowedHosts: [told.host], environment });
  }
  const bull = stack.use(await BullMq.start(PEERS, redis.port));
  const { results, ratios } = await throughput(hosts, bull, ['small', 'quickjs']);
  for (const [engine, host] of hosts) {
    const accept = await acceptLatencies(host);
    const latency = await latencies(host, told);
    const { small: ofSmall, large: ofLarge } = await backlog(host);
    results[`${engine}, asynchronous invocation accepted`] = percentiles(accept);
    results[`${engine}, idle queue`] = percentiles(latency);
    results[`${engine}, backlog of a thousand`] = medians(ofSmall);
    results[`${engine}, backlog of a million`] = medians(ofLarge);
    ratios[`${engine}_async_accept_p99_ms`] = quantile(accept, 0.99);
    ratios[`${engine}_idle_latency_p50_ms`] = quantile(latency, 0.5);
    ratios[`${engine}_idle_latency_p99_ms`] = quantile(latency, 0.99);
    ratios[`${engine}_backlog_ratio`] = median(
      ofLarge.map(({ messagesPerSecond }, round) => messagesPerSecond / ofSmall[round]!.messagesPerSecond),
    );
  }
  return { results, ratios };
}

function medians(rates: readonly Rate[]): Figures {
  return {
    messagesPerSecond: median(rates.map(({ messagesPerSecond }) => messagesPerSecond)),
    cpuMicros: median(rates.map(({ cpuMicros }) => cpuMicros)),
  };
}

function percentiles(values: readonly number[]): Figures {
  return { p50Ms: quantile(values, 0.5), p99Ms: quantile(values, 0.99) };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}
