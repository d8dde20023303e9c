/**
 * Kills a real host under load, again and again, and judges what came of the messages that it had accepted.
 *
 * Senders, the recorder of what was handled, and Redis live outside of the host. The host dies by SIGKILL when a random number of messages
 * has been handled, and is started again on the same data; Redis dies in between, while the host lives, and comes back with its append-only file.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import { visibilityMs } from '../../host/triggers/batch.ts';
import { within } from '../harness/bounded.ts';
import type { Json } from '../harness/host.ts';
import { HostProcess } from '../harness/host-process.ts';
import { RedisServer } from '../harness/redis-server.ts';
import { Random } from '../instrument/random.ts';
import { Recorder } from './recorder.ts';
import { type SenderPlan, sendAll } from './sender.ts';
import { judge, type Verdict } from './verdict.ts';

export interface CrashOptions {
  readonly engine: 'sqlite' | 'redis';
  readonly kills: number;
  readonly messages: number;
  readonly seed: number;
  /** What {@link buildReporter} makes, for whoever has several runs. */
  readonly component?: Uint8Array;
  /**
   * Of the function. A machine that is busy for longer than this makes an attempt fail that was recorded already, and what a
   * killed host held on Redis waits for it and ten seconds.
   */
  readonly timeoutMs: number;
  readonly say: (line: string) => void;
}

export interface CrashResult extends Verdict {
  readonly kills: number;
  readonly redisKills: number;
  /** Sends that were refused or not answered, and made again. */
  readonly sendsRepeated: number;
  /** From the last host's readiness until every accepted message was handled. */
  readonly settledAfterMs: number;
  /** What is left in the queue at the end. Each must be 0. */
  readonly left: {
    readonly ready: number;
    readonly delayed: number;
    readonly inFlight: number;
    readonly dead: number;
  };
  readonly elapsedMs: number;
}

/** Batches in work at a time: the mapping's. */
export const IN_FLIGHT = 10;
const SENDERS = 4;
/** Accepted and not handled: enough that there is always work, and few enough that a test ends. */
const BACKLOG = 2_000;
/** Kills of the host for each of Redis. */
const HOSTS_PER_REDIS = 5;
/** What a kill is late by, at most, so that it hits every moment of a batch. */
const LATE_MS = 60;
const QUEUE = 'numbers';

interface Blow {
  /** Falls when so many messages are handled. */
  readonly at: number;
  readonly lateMs: number;
  readonly on: 'host' | 'redis';
}

function blowsOf({ engine, kills, messages }: CrashOptions, random: Random): Blow[] {
  const blow = (on: Blow['on']): Blow => ({
    at: random.below(messages),
    lateMs: random.below(LATE_MS),
    on,
  });
  const ofRedis = engine === 'redis' ? Math.ceil(kills / HOSTS_PER_REDIS) : 0;
  return [
    ...Array.from({ length: kills }, () => blow('host')),
    ...Array.from({ length: ofRedis }, () => blow('redis')),
  ].sort((a, b) => a.at - b.at);
}

export async function crashRun(options: CrashOptions): Promise<CrashResult> {
  const startMs = performance.now();
  await using stack = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-crash-'));
  stack.defer(() => rm(dataDir, { recursive: true, force: true }));
  const redis = options.engine === 'redis' ? stack.use(await RedisServer.start()) : undefined;
  const recorder = stack.use(await Recorder.start());
  const env = {
    MAYFLY_EXAMPLES: '0',
    MAYFLY_THREADS: '1',
    ...(redis === undefined ? {} : { MAYFLY_REDIS_URL: redis.url }),
  };
  let host = await HostProcess.ready(dataDir, env);
  stack.defer(() => host[Symbol.asyncDispose]());
  await prepare(host, recorder.host, options);

  let ready = Promise.resolve(host);
  let sendsRepeated = 0;
  const refusals = new Map<string, number>();
  const accepted = new Map<string, string>();
  const sending = Promise.all(
    plansOf(options.messages).map((plan) =>
      sendAll(
        plan,
        {
          host: () => ready,
          room: () => recorder.reached(accepted.size - BACKLOG),
          refused: (why) => {
            sendsRepeated++;
            refusals.set(why, (refusals.get(why) ?? 0) + 1);
          },
        },
        accepted,
      ),
    ),
  );
  // Heard below; a host that cannot be started again must not leave it unheard.
  sending.catch(() => {});

  const blows = blowsOf(options, new Random(options.seed));
  let readyMs = performance.now();
  for (const [index, { at, lateMs, on }] of blows.entries()) {
    await Promise.race([recorder.reached(at), sending.then(() => recorder.reached(at))]);
    await new Promise((resolve) => setTimeout(resolve, lateMs));
    const isOld = host;
    if (on === 'redis') {
      await redis!.kill();
      await redis!.restart();
    } else {
      const next = Promise.withResolvers<HostProcess>();
      next.promise.catch(() => {});
      ready = next.promise;
      isOld.kill('SIGKILL');
      await isOld[Symbol.asyncDispose]();
      await recorder.endLife();
      try {
        host = await HostProcess.ready(dataDir, env);
        next.resolve(host);
      } catch (error) {
        next.reject(error);
        throw error;
      }
      readyMs = performance.now();
    }
    options.say(
      `${index + 1}/${blows.length} ${on} killed at ${at}: accepted ${accepted.size}, handled ${recorder.count}`,
    );
  }
  await sending;
  // A lease, and as long again for the backlog on a busy machine.
  const settleMs = 2 * visibilityMs(options.timeoutMs) + 30_000;
  const missing = (): number => [...accepted.keys()].filter((id) => !recorder.has(id)).length;
  await within(recorder.reached(options.messages), settleMs, () => `${missing()} messages are stuck`);
  const settledAfterMs = performance.now() - readyMs;
  const left = await within(emptied(host), settleMs, () => 'the queue is not empty');
  options.say(`sends made again: ${[...refusals].map(([why, count]) => `${count} x ${why}`).join(', ')}`);
  return {
    ...judge({ texts: accepted }, recorder.batches),
    kills: options.kills,
    redisKills: blows.length - options.kills,
    sendsRepeated,
    settledAfterMs,
    left,
    elapsedMs: performance.now() - startMs,
  };
}

function plansOf(messages: number): SenderPlan[] {
  return Array.from({ length: SENDERS }, (_, index) => ({
    queue: QUEUE,
    name: `s${index}`,
    messages: Math.floor(messages / SENDERS) + (index < messages % SENDERS ? 1 : 0),
    groups: Math.max(5, Math.ceil(messages / 400)),
  }));
}

/** The guest that tells the recorder what it handles. */
export async function buildReporter(): Promise<Uint8Array> {
  return (await buildHandler(fileURLToPath(new URL('./guests/reporting.ts', import.meta.url)))).component;
}

async function prepare(
  host: HostProcess,
  recorder: string,
  { component, timeoutMs }: Pick<CrashOptions, 'component' | 'timeoutMs'>,
): Promise<void> {
  const { status, json } = await host.publish('report', component ?? (await buildReporter()));
  if (status !== 201) throw new Error(`publish: ${status} ${JSON.stringify(json)}`);
  await change(host, 'PATCH', '/functions/report/configuration', {
    timeoutMs,
    allowedHosts: [recorder],
    environment: { RECORDER: `http://${recorder}/` },
  });
  await change(host, 'PUT', `/queues/${QUEUE}`, {});
  await change(host, 'PUT', '/event-source-mappings/report', {
    source: { type: 'queue', queue: QUEUE },
    function: 'report',
    batchSize: 10,
    maximumConcurrency: IN_FLIGHT,
    maximumAttempts: 1_000,
    retryBaseMs: 10,
    retryMaximumMs: 1_000,
  });
}

async function change(host: HostProcess, method: string, path: string, body: Json): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const { status, json } = await host.api(path, { method, headers, body: JSON.stringify(body) });
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(json)}`);
}

/** What is left once the last batches are settled; dead letters stay. */
async function emptied(host: HostProcess): Promise<CrashResult['left']> {
  for (;;) {
    const { counts } = (await host.api(`/queues/${QUEUE}`)).json;
    // None where Redis was killed last and has not been found again yet.
    if (counts !== undefined) {
      const { ready, delayed, inFlight, dead } = counts;
      if (ready + delayed + inFlight === 0) return { ready, delayed, inFlight, dead };
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What the result breaks of what is promised. */
export function broken(result: CrashResult): string[] {
  const zero = (name: keyof CrashResult): string[] =>
    result[name] === 0 ? [] : [`${name} is ${String(result[name])}, not 0`];
  return [
    ...zero('lost'),
    ...zero('foreign'),
    ...zero('outOfOrder'),
    ...zero('unexplained'),
    ...(result.left.dead === 0 ? [] : [`${result.left.dead} messages are dead letters`]),
    ...(result.repeatedBatchesPerKill <= IN_FLIGHT
      ? []
      : [`${result.repeatedBatchesPerKill} batches were repeated after one kill`]),
    ...(result.kills > 0 && result.handled !== result.accepted
      ? [`${result.accepted} accepted, ${result.handled} handled`]
      : []),
  ];
}
