/**
 * A Redis Stream that other programs write to with plain XADD, read by a consumer group: what a consumer needs of it, with the same
 * meaning as in `QueueEngine`. Entries stay in the stream; its writers trim it.
 *
 *  1. What is handed out is pending in the group until it is settled: `done` and `dead` acknowledge it, `retry` and `release` leave it pending
 *     until it is due. Leases, due times and attempts lie beside it, in keys of ours with the same hash tag.
 *  2. What is pending without us, because the program that had it is gone, is taken over once it has been idle for as long as a
 *     lease lasts, with its deliveries counted as attempts.
 *  3. A dead letter is an entry of `PREFIX:{TAG}:KEY:GROUP:dead`: `mayfly-entry`, `mayfly-attempts`, `mayfly-code`, `mayfly-detail`, then the
 *     fields as they were handed out, whether or not its writer has trimmed it away since; as one value, `mayfly-fields`, where they are more
 *     than 3,500. One that is redriven is handed out from a copy (`redis-stream-dead-letters.ts`).
 *  4. Entries are handed out in the order of the stream, those that are tried again before new ones; several claims at a time keep no order.
 */
import { randomInt } from 'node:crypto';
import { QUEUE_LIMITS } from '../../limits/event-limits.ts';
import type { QueueId } from '../../model/queue.ts';
import type { SourceCounts } from '../../model/queue-message.ts';
import type { Claim, ClaimOptions, Settlement } from './queue-engine.ts';
import type { RedisLink } from './redis-link.ts';
import { settlementKind, type Tries } from './redis-record.ts';
import { RedisStreamDeadLetters } from './redis-stream-dead-letters.ts';
import { decodeEntry, entryOf, packTexts, type StreamEntry } from './redis-stream-record.ts';
import type { RedisStreamWatch, WatchedStream } from './redis-stream-watch.ts';
import type { RedisWakeUps } from './redis-wake-ups.ts';

export interface RedisStreamOptions {
  readonly key: string;
  readonly consumerGroup: string;
  /** Where a group that is new begins. */
  readonly startingPosition: 'trim-horizon' | 'latest';
  /** What claims say they come from. */
  readonly queue: QueueId;
}

/** What streams of one engine share. */
export interface RedisStreamPorts {
  readonly link: RedisLink;
  readonly wakeUps: RedisWakeUps;
  readonly watch: RedisStreamWatch;
  readonly keyPrefix: string;
  readonly host: string;
}

type Nothing = readonly [inMs: number, lastSeen: Buffer];
type Batch = readonly [expiresAtMs: number, claim: Buffer, tries: Buffer, ...entries: (readonly Buffer[])[]];

/** What claims consist of, for those of their entries that become dead letters. */
const entriesOf = new WeakMap<Claim, readonly StreamEntry[]>();

export class RedisStreamSource {
  readonly deadLetters: RedisStreamDeadLetters;
  readonly #ports: RedisStreamPorts;
  readonly #options: RedisStreamOptions;
  readonly #base: string;
  readonly #random = randomInt(2 ** 47);
  readonly #watched = new Set<WatchedStream>();
  #claims = 0;

  constructor(ports: RedisStreamPorts, options: RedisStreamOptions) {
    this.#ports = ports;
    this.#options = options;
    const { key, consumerGroup } = options;
    this.#base = `${ports.keyPrefix}:{${hashTagOf(key)}}:${key}:${consumerGroup}`;
    this.deadLetters = new RedisStreamDeadLetters(ports.link, this.#base, key);
  }

  /** One at a time. Makes the group where there is none. @throws MayflyError queue_unavailable */
  async claim(options: ClaimOptions): Promise<readonly Claim[]> {
    const { maxMessages, maxBytes, visibilityMs, maxClaims } = options;
    const { key, consumerGroup, queue } = this.#options;
    const { link, host } = this.#ports;
    const answer = (await link.script('stream-claim', [
      this.#base,
      key,
      maxMessages,
      maxBytes,
      visibilityMs,
      maxClaims,
      host,
      `${this.#random}.${this.#claims++}`,
      consumerGroup,
      this.#start,
    ])) as Nothing | Batch;
    if (isNothing(answer)) {
      this.#nothing(answer[0], answer[1].toString());
      return [];
    }
    const [expiresAtMs, text, triesText, ...fieldsOfAll] = answer;
    const lease = text.toString();
    const handles = lease.split(' ').slice(2);
    const tries = JSON.parse(triesText.toString()) as Tries[];
    const nowMs = Date.now();
    const entries = fieldsOfAll.map((fields, index) => entryOf(handles[index]!, fields));
    const claim: Claim = {
      queue,
      lease,
      expiresAtMs: expiresAtMs - link.clockOffsetMs,
      messages: entries.map((entry, index) => decodeEntry(key, entry, tries[index]!, nowMs)),
    };
    entriesOf.set(claim, entries);
    return [claim];
  }

  async extend({ lease }: Claim, visibilityMs: number): Promise<boolean> {
    return (await this.#ports.link.script('extend', [this.#base, lease, visibilityMs])) === 1;
  }

  async settle(claim: Claim, settlements: readonly Settlement[]): Promise<boolean> {
    const { link } = this.#ports;
    const { key, consumerGroup } = this.#options;
    const args: (string | number | Buffer)[] = [this.#base, key, claim.lease, consumerGroup];
    args.push(QUEUE_LIMITS.retentionMs.default);
    const handles = claim.lease.split(' ').slice(2);
    const indexes = new Map(claim.messages.map(({ id }, index) => [id, index]));
    const done = new Set(settlements.filter(({ kind }) => kind === 'done').map(({ id }) => id));
    // No arguments of entries mean that all of them are done.
    if (claim.messages.every(({ id }) => done.has(id)))
      return (await link.script('stream-settle', args)) === 1;
    for (const settlement of settlements) {
      const index = indexes.get(settlement.id);
      if (index === undefined) continue;
      const atMs = 'atMs' in settlement ? settlement.atMs + link.clockOffsetMs : 0;
      const { code, detail } = 'cause' in settlement ? settlement.cause : { code: '', detail: '' };
      args.push(settlementKind(settlement), handles[index]!, Math.max(0, Math.ceil(atMs)), code, detail);
      const { id, fields } = entriesOf.get(claim)![index]!;
      if (settlement.kind === 'dead') args.push(id, packTexts(fields));
      else args.push('', '');
    }
    if (args.length === 5) args.push('done', '', 0, '', '', '', '');
    return (await link.script('stream-settle', args)) === 1;
  }

  /** `ready` is undefined where Redis does not know how far behind the group is. */
  async counts(): Promise<SourceCounts> {
    const [ready, delayed, inFlight, dead] = await this.#counts();
    return { ready: ready < 0 ? undefined : ready, delayed, inFlight, dead, oldestSentAtMs: undefined };
  }

  async readyCount(): Promise<number | undefined> {
    return (await this.counts()).ready;
  }

  /** As `QueueEngine.onWork`. */
  onWork(listener: () => void): () => void {
    const { wakeUps, watch } = this.#ports;
    const stream: WatchedStream = { key: this.#options.key, listener, place: () => this.#place() };
    this.#watched.add(stream);
    const stops = [wakeUps.listen(this.#base, listener), watch.watch(stream)];
    // Where the group stands: what is behind it wakes at once. Without a connection, the one that comes wakes everybody.
    this.#counts().then(
      ([, , , , lastSeen]) => watch.sleep(stream, lastSeen),
      () => {},
    );
    return () => {
      this.#watched.delete(stream);
      for (const stop of stops) stop();
    };
  }

  get #start(): string {
    return this.#options.startingPosition === 'latest' ? '$' : '0';
  }

  async #counts(): Promise<readonly [number, number, number, number, string]> {
    const { key, consumerGroup } = this.#options;
    const answer = await this.#ports.link.script('stream-counts', [
      this.#base,
      key,
      consumerGroup,
      this.#start,
      QUEUE_LIMITS.retentionMs.default,
    ]);
    const [ready, delayed, inFlight, dead, lastSeen] = answer as [number, number, number, number, Buffer];
    return [ready, delayed, inFlight, dead, lastSeen.toString()];
  }

  async #place(): Promise<string> {
    const { key, consumerGroup } = this.#options;
    const place = await this.#ports.link.script('stream-place', [this.#base, key, consumerGroup]);
    return (place as Buffer).toString();
  }

  #nothing(inMs: number, lastSeen: string): void {
    this.#ports.wakeUps.wake(this.#base, inMs);
    for (const stream of this.#watched) this.#ports.watch.sleep(stream, lastSeen);
  }
}

function isNothing(answer: Nothing | Batch): answer is Nothing {
  return typeof answer[1] === 'object' && answer.length === 2;
}

/** The part of a key that says on which node of a cluster it lies. */
function hashTagOf(key: string): string {
  return /\{([^}]+)\}/.exec(key)?.[1] ?? key;
}
