/**
 * Queues on a Redis that several hosts share: a stream per queue with a consumer group, scripts for every step, and Redis' own
 * clock for leases and delays. What lies where is said at the head of `lua/prelude.lua`.
 *
 *  1. Every operation but `redrive` is one script, so it happens whole or not at all, and takes one round trip.
 *  2. All keys of a queue have one hash tag: they lie on one node of a cluster.
 *  3. This process keeps nothing of a queue but who listens, and timers. A claim carries what it takes to settle it.
 *  4. A message that was accepted is as durable as the append-only file of Redis. With `appendfsync always` it survives the death of Redis and
 *     of its machine; with `everysec` what came in the last two seconds does not survive Redis being killed.
 */
import { randomBytes, randomInt, randomUUIDv7 } from 'node:crypto';
import { MayflyError } from '../../errors/errors.ts';
import { QUEUE_LIMITS } from '../../limits/event-limits.ts';
import type { MessageId } from '../../model/ids.ts';
import { type QueueId, type QueueSettings, queueKey } from '../../model/queue.ts';
import type {
  DeadLetter,
  MessageState,
  NewMessage,
  QueueCounts,
  QueueMessage,
  SentMessage,
} from '../../model/queue-message.ts';
import {
  CLAIMED_AT_ONCE,
  type Claim,
  type ClaimOptions,
  type MessagePage,
  type QueueEngine,
  type Settlement,
} from './queue-engine.ts';
import { RedisFinishedClaims } from './redis-finished-claims.ts';
import { RedisLink, type RedisLinkOptions } from './redis-link.ts';
import {
  type DeadTries,
  decodeDeadLetter,
  decodeRecord,
  decodeRecords,
  encodeRecord,
  settlementKind,
  type Tries,
} from './redis-record.ts';
import { type RedisStreamOptions, RedisStreamSource } from './redis-stream-source.ts';
import { RedisStreamWatch } from './redis-stream-watch.ts';
import { RedisWakeUps } from './redis-wake-ups.ts';

/** Dead letters that one script redrives: a few milliseconds in which Redis does nothing else. */
const REDRIVE_CHUNK = 500;

export interface RedisQueueEngineOptions extends Partial<Omit<RedisLinkOptions, 'url'>> {
  readonly url: string;
  /** Of all keys, so that more than one Mayfly can use one Redis. */
  readonly keyPrefix?: string;
  /** Names this host among the consumers of the groups of streams that other programs write to. */
  readonly host?: string;
  readonly messagesPerQueue?: number;
  /** Replicas of Redis that have a message when it is accepted: those outlive a failover. */
  readonly replicas?: number;
}

type Nothing = readonly [inMs: number];
/** After the time, three for each claim: its text, tries, records. */
type Batches = readonly [expiresAtMs: number, ...claims: Buffer[]];

function isNothing(answer: Nothing | Batches): answer is Nothing {
  return answer.length === 1;
}

export class RedisQueueEngine implements QueueEngine {
  readonly #link: RedisLink;
  /** One of their own where they wait for replicas: nobody else then waits behind them. */
  readonly #sends: RedisLink;
  readonly #replicas: number;
  readonly #wakeUps: RedisWakeUps;
  readonly #streams: RedisStreamWatch;
  readonly #finished: RedisFinishedClaims;
  readonly #prefix: string;
  readonly #host: string;
  readonly #messagesPerQueue: number;
  /** With a number for each, names the claims of this engine. */
  readonly #random = randomInt(2 ** 47);
  #claims = 0;

  /** Connects in the background; until then, and whenever Redis is away, every operation is refused. */
  constructor(options: RedisQueueEngineOptions) {
    const { url, keyPrefix, host, messagesPerQueue, replicas = 0 } = options;
    const { timeoutMs = QUEUE_LIMITS.storeTimeoutMs, report = () => {} } = options;
    this.#link = new RedisLink({ url, timeoutMs, report });
    this.#replicas = replicas;
    this.#sends = replicas === 0 ? this.#link : new RedisLink({ url, timeoutMs, report: () => {} });
    this.#wakeUps = new RedisWakeUps(this.#link);
    this.#streams = new RedisStreamWatch(this.#link);
    this.#finished = new RedisFinishedClaims(this.#link);
    this.#prefix = keyPrefix ?? 'mayfly';
    this.#host = host ?? `${process.pid}`;
    this.#messagesPerQueue = messagesPerQueue ?? QUEUE_LIMITS.messages;
  }

  /** The connection, for whatever else is kept in the same Redis. */
  get link(): RedisLink {
    return this.#link;
  }

  /** A stream of the same Redis that other programs write to. */
  stream(options: RedisStreamOptions): RedisStreamSource {
    return new RedisStreamSource(
      {
        link: this.#link,
        wakeUps: this.#wakeUps,
        watch: this.#streams,
        keyPrefix: this.#prefix,
        host: this.#host,
      },
      options,
    );
  }

  async send(
    queue: QueueId,
    settings: QueueSettings,
    messages: readonly NewMessage[],
  ): Promise<SentMessage[]> {
    if (messages.length === 0) return [];
    const { retentionMs, deadLetterRetentionMs, deduplicationMs } = settings;
    const ids = messages.map(() => randomUUIDv7() as MessageId);
    const isPlain = messages.every(
      ({ deliverAtMs, deduplicationKey, groupKey }) =>
        deliverAtMs === undefined && deduplicationKey === undefined && groupKey === undefined,
    );
    const args: (string | number | Buffer)[] = [
      this.#keyOf(queue),
      this.#messagesPerQueue,
      retentionMs,
      deadLetterRetentionMs,
      deduplicationMs,
      messages.reduce((largest, { body }) => Math.max(largest, body.length), 0),
      // Read only where the queue is new.
      randomBytes(6).toString('hex'),
      isPlain ? 'plain' : 'full',
    ];
    for (const [index, message] of messages.entries()) {
      args.push(encodeRecord(ids[index]!, message));
      if (isPlain) continue;
      const { deliverAtMs, deduplicationKey = '', groupKey = '' } = message;
      const atMs = deliverAtMs === undefined ? 0 : this.#onRedisClock(deliverAtMs);
      args.push(atMs, deduplicationMs > 0 ? deduplicationKey : '', groupKey);
    }
    const answer = (await this.#sends.replicated('send', args, this.#replicas)) as number | Buffer[];
    if (answer === -1) {
      throw new MayflyError('queue_full', `The queue holds ${this.#messagesPerQueue} messages at most.`);
    }
    return ids.map((id, index) => {
      const earlier = typeof answer === 'number' ? '' : answer[index]!.toString();
      return earlier === '' ? { id, isDuplicate: false } : { id: earlier as MessageId, isDuplicate: true };
    });
  }

  async claim(queue: QueueId, options: ClaimOptions): Promise<readonly Claim[]> {
    const { maxMessages, maxBytes, visibilityMs, maxClaims, claims = 1 } = options;
    const key = this.#keyOf(queue);
    const wanted = Math.max(1, Math.min(claims, Math.floor(CLAIMED_AT_ONCE / maxMessages)));
    const first = this.#claims;
    this.#claims += wanted;
    // What has ended in this turn makes room.
    this.#finished.flush();
    const answer = (await this.#link.script('claim', [
      key,
      maxMessages,
      maxBytes,
      visibilityMs,
      maxClaims,
      wanted,
      this.#random,
      first,
    ])) as Nothing | Batches;
    if (isNothing(answer)) {
      this.#wakeUps.wake(key, answer[0]);
      return [];
    }
    const [expiresAtMs, ...parts] = answer;
    const given: Claim[] = [];
    for (let at = 0; at < parts.length; at += 3) {
      const lease = parts[at]!.toString('latin1');
      const tries = parts[at + 1]!;
      given.push({
        queue,
        lease,
        expiresAtMs: expiresAtMs - this.#link.clockOffsetMs,
        messages: decodeRecords(
          parts[at + 2]!,
          handlesOf({ lease }),
          tries.length === 0 ? undefined : (JSON.parse(tries.toString()) as Tries[]),
        ),
      });
    }
    return given;
  }

  async extend({ queue, lease }: Claim, visibilityMs: number): Promise<boolean> {
    return (await this.#link.script('extend', [this.#keyOf(queue), lease, visibilityMs])) === 1;
  }

  async settle(claim: Claim, settlements: readonly Settlement[]): Promise<boolean> {
    const key = this.#keyOf(claim.queue);
    if (isAllDone(claim, settlements)) return this.#finished.add(key, claim.lease);
    const args = [key, claim.lease];
    this.#listSettlements(args, claim, settlements);
    return (await this.#link.script('settle', args)) === 1;
  }

  async counts(queue: QueueId): Promise<QueueCounts> {
    const answer = (await this.#link.script('counts', [this.#keyOf(queue)])) as number[];
    const [ready = 0, delayed = 0, inFlight = 0, dead = 0, oldestMs = -1] = answer;
    return { ready, delayed, inFlight, dead, oldestSentAtMs: oldestMs < 0 ? undefined : oldestMs };
  }

  async peek(
    queue: QueueId,
    state: MessageState,
    { limit, after = ' ' }: MessagePage,
  ): Promise<{ readonly messages: readonly (QueueMessage | DeadLetter)[]; readonly next?: string }> {
    const [first = '', second = ''] = after.split(' ');
    const answer = (await this.#link.script('peek', [
      this.#keyOf(queue),
      state,
      limit,
      first,
      second,
    ])) as Buffer[];
    const next = `${answer[0]!} ${answer[1]!}`;
    const count = (answer.length - 2) / 2;
    const messages = Array.from({ length: count }, (_, index) => {
      const info = JSON.parse(answer[2 + index]!.toString()) as unknown;
      const record = answer[2 + count + index]!;
      if (state === 'dead') return decodeDeadLetter(record, info as DeadTries);
      const [handle, ...tries] = info as [string, ...Tries];
      return decodeRecord(record, handle, tries[0], tries);
    });
    return next === ' ' ? { messages } : { messages, next };
  }

  async redrive(queue: QueueId, ids?: readonly MessageId[]): Promise<number> {
    const key = this.#keyOf(queue);
    let count = 0;
    const some = async (last: string, chunk: readonly MessageId[] = []): Promise<[number, string]> => {
      const answer = await this.#link.script('redrive', [key, REDRIVE_CHUNK, last, ...chunk]);
      const [taken, newest] = answer as [number, Buffer];
      count += taken;
      return [taken, newest.toString()];
    };
    if (ids !== undefined) {
      for (let at = 0; at < ids.length; at += REDRIVE_CHUNK)
        await some('', ids.slice(at, at + REDRIVE_CHUNK));
      return count;
    }
    let [taken, newest] = await some('+');
    while (taken === REDRIVE_CHUNK) [taken, newest] = await some(newest);
    return count;
  }

  async purge(queue: QueueId, what: 'waiting' | 'dead'): Promise<number> {
    return Number(await this.#link.script('purge', [this.#keyOf(queue), what]));
  }

  async remove(queue: QueueId): Promise<void> {
    // On the connection of sends: one that waits for a replica keeps those behind it back, and they must not come after this.
    await this.#sends.script('remove', [this.#keyOf(queue)]);
  }

  onWork(queue: QueueId, listener: () => void): () => void {
    return this.#wakeUps.listen(this.#keyOf(queue), listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#streams[Symbol.asyncDispose]();
    await this.#wakeUps[Symbol.asyncDispose]();
    await this.#sends[Symbol.asyncDispose]();
    await this.#link[Symbol.asyncDispose]();
  }

  #listSettlements(args: (string | number)[], claim: Claim, settlements: readonly Settlement[]): void {
    const handles = handlesOf(claim);
    const indexes = new Map(claim.messages.map(({ id }, index) => [id, index]));
    for (const settlement of settlements) {
      const index = indexes.get(settlement.id);
      if (index === undefined) continue;
      const atMs = 'atMs' in settlement ? Math.max(0, this.#onRedisClock(settlement.atMs)) : 0;
      const { code, detail } = 'cause' in settlement ? settlement.cause : { code: '', detail: '' };
      const group = claim.messages[index]!.groupKey ?? '';
      args.push(settlementKind(settlement), handles[index]!, group, atMs, code, detail);
    }
  }

  #keyOf(queue: QueueId): string {
    return `${this.#prefix}:{${queueKey(queue)}}`;
  }

  #onRedisClock(ms: number): number {
    return Math.ceil(ms + this.#link.clockOffsetMs);
  }
}

/** Where each message of a claim lies: its lease says so, after its name and their number. */
function handlesOf({ lease }: Pick<Claim, 'lease'>): readonly string[] {
  return lease.split(' ').slice(2);
}

/** What nearly every settlement is: each message of a claim done, none of them one that had to wait or has a group. */
function isAllDone(claim: Claim, settlements: readonly Settlement[]): boolean {
  return (
    settlements.length === claim.messages.length &&
    settlements.every(({ id, kind }, index) => kind === 'done' && id === claim.messages[index]!.id) &&
    !claim.lease.includes(' l')
  );
}
