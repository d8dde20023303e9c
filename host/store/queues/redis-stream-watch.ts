/**
 * Waits for entries in streams that other programs write to: one connection in one blocking read for all streams of a host.
 *
 *  1. A stream is waited for only while its consumer has found nothing, from the last entry on that the group has seen. So what
 *     is added between that claim and the read is not missed, and a busy stream is not read twice.
 *  2. When the set of streams changes, the read is taken back (CLIENT UNBLOCK) and made anew.
 *  3. A connection that is lost is made again; then every listener is called, which claims, and so on.
 *  4. A read waits for ids that are greater, and says nothing of a stream that is deleted and begun again with smaller ones. Such a stream
 *     has lost its group: every `PLACE_MS` it is asked whether groups still stand where they are waited for.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { closed, type RedisLink } from './redis-link.ts';

/** The read is made anew that often, so that a connection that has died silently is noticed. */
const BLOCK_MS = 10_000;
/** Between two tries to take back a read that may not have reached Redis yet. */
const UNBLOCK_RETRY_MS = 2;
/** A question for each stream whose consumer is idle: 10 µs of Redis' time. */
const PLACE_MS = 1_000;

export interface WatchedStream {
  readonly key: string;
  readonly listener: () => void;
  /** The last entry that the group has seen, '' where there is no group. @throws MayflyError queue_unavailable */
  place(): Promise<string>;
}

type ReadAnswer = readonly (readonly [key: Buffer, entries: readonly unknown[]])[] | null;

export class RedisStreamWatch implements AsyncDisposable {
  readonly #link: RedisLink;
  readonly #watched = new Set<WatchedStream>();
  /** Those that are waited for, and since which entry. */
  readonly #asleep = new Map<WatchedStream, string>();
  #reader: Redis | undefined;
  #readerId = 0;
  #places: NodeJS.Timeout | undefined;
  #isAsking = false;
  #isReading = false;
  #isStale = false;
  #isClosed = false;

  constructor(link: RedisLink) {
    this.#link = link;
  }

  /** From now on `listener` is called when {@link sleep} was said and there are entries. Until the returned call. */
  watch(stream: WatchedStream): () => void {
    this.#watched.add(stream);
    this.#connect();
    return () => {
      this.#watched.delete(stream);
      if (this.#asleep.delete(stream)) this.#again();
    };
  }

  /** Waits for entries after `lastSeen`. */
  sleep(stream: WatchedStream, lastSeen: string): void {
    if (!this.#watched.has(stream) || this.#asleep.get(stream) === lastSeen) return;
    this.#asleep.set(stream, lastSeen);
    this.#again();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#asleep.clear();
    clearInterval(this.#places);
    if (this.#reader !== undefined) await closed(this.#reader);
  }

  #connect(): void {
    if (this.#reader !== undefined) return;
    this.#reader = this.#link.another('mayfly-streams', BLOCK_MS);
    // The link says when Redis is away.
    this.#reader.on('error', () => {});
    this.#reader.on('ready', () => void this.#ready());
    this.#places = setInterval(() => void this.#askPlaces(), PLACE_MS).unref();
  }

  async #ready(): Promise<void> {
    try {
      this.#readerId = await this.#reader!.client('ID');
    } catch {
      return;
    }
    // What they waited for may have come meanwhile.
    this.#asleep.clear();
    for (const { listener } of this.#watched) listener();
  }

  #again(): void {
    if (this.#isReading) void this.#unblock();
    else void this.#read();
  }

  async #unblock(): Promise<void> {
    if (this.#isStale) return;
    this.#isStale = true;
    while (this.#isStale && !this.#isClosed) {
      const done = await this.#link.command('CLIENT', 'UNBLOCK', this.#readerId).catch(() => undefined);
      // Nobody to unblock: the read is on its way, or has just ended.
      if (done !== 0) return;
      await delay(UNBLOCK_RETRY_MS);
    }
  }

  async #read(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      while (this.#asleep.size > 0 && !this.#isClosed && this.#reader?.status === 'ready') {
        const since = [...this.#asleep];
        const keys = [...new Set(since.map(([{ key }]) => key))];
        const ids = keys.map((key) => lowest(since.filter(([stream]) => stream.key === key)));
        this.#isStale = false;
        const args = ['COUNT', 1, 'BLOCK', BLOCK_MS, 'STREAMS', ...keys, ...ids];
        const answer = (await this.#reader.callBuffer('XREAD', ...args)) as ReadAnswer;
        for (const [key] of answer ?? []) this.#wake(key.toString());
      }
    } catch {
      // Lost, or a key that is no stream: the claim that follows says so.
      for (const { key } of [...this.#asleep.keys()]) this.#wake(key);
    } finally {
      this.#isReading = false;
      this.#isStale = false;
    }
  }

  /** Those whose group is not where it was. Without an answer nothing is known, and it is asked again. */
  async #askPlaces(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const asks = [...this.#asleep].map(async ([stream, since]) => {
      const place = await stream.place().catch(() => since);
      if (place !== since && this.#asleep.get(stream) === since) this.#wakeOne(stream);
    });
    await Promise.all(asks);
    this.#isAsking = false;
  }

  #wake(key: string): void {
    for (const stream of [...this.#asleep.keys()]) if (stream.key === key) this.#wakeOne(stream);
  }

  #wakeOne(stream: WatchedStream): void {
    this.#asleep.delete(stream);
    stream.listener();
  }
}

/** Of two groups of one stream, the one that is behind. */
function lowest(since: readonly (readonly [WatchedStream, string])[]): string {
  const order = ([, id]: readonly [WatchedStream, string]): readonly number[] => id.split('-').map(Number);
  const [first] = [...since].sort((a, b) => {
    const [aMs = 0, aSeq = 0] = order(a);
    const [bMs = 0, bSeq = 0] = order(b);
    return aMs - bMs || aSeq - bSeq;
  });
  return first![1];
}
