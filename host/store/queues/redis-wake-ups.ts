/**
 * Tells who waits for work on a queue that there may be some: on this host or another (one connection that listens on a
 * channel for each queue) and when a delay or a lease is over (a timer for the next time that Redis knows of). Nothing is polled.
 *
 *  1. While a queue has listeners, its channel is subscribed. A wake-up that was missed, because a connection was lost, is made
 *     up for: when one is made again, every listener is called.
 *  2. A queue has at most one timer, for the earliest time that was heard of. It may ring for nothing (a lease was extended),
 *     so whoever is woken asks Redis.
 *  3. A connection that has died silently is noticed within `HEARTBEAT_MS` and the timeout of a command.
 */
import type { Redis } from 'ioredis';
import { closed, type RedisLink } from './redis-link.ts';

const HEARTBEAT_MS = 10_000;
/** The longest time that a timer of Node can have. */
const TIMER_MAXIMUM_MS = 2 ** 31 - 1;

interface Watch {
  readonly listeners: Set<() => void>;
  timer: NodeJS.Timeout | undefined;
  ringsAt: number;
}

export class RedisWakeUps implements AsyncDisposable {
  readonly #link: RedisLink;
  readonly #subscriber: Redis;
  readonly #watches = new Map<string, Watch>();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #stopListening: () => void;

  constructor(link: RedisLink) {
    this.#link = link;
    this.#subscriber = link.another('mayfly-wake-ups');
    // Said by the link, whose connection goes to the same Redis.
    this.#subscriber.on('error', () => {});
    this.#subscriber.on('ready', () => this.#everybody());
    this.#subscriber.on('message', (channel: string, inMs: string) => {
      this.wake(channel.slice(0, -':wake'.length), Number(inMs));
    });
    this.#stopListening = link.onReady(() => this.#everybody());
    this.#heartbeat = setInterval(() => this.#beat(), HEARTBEAT_MS).unref();
  }

  /** `key` is the queue's first key. */
  listen(key: string, listener: () => void): () => void {
    let watch = this.#watches.get(key);
    if (watch === undefined) {
      watch = { listeners: new Set(), timer: undefined, ringsAt: Infinity };
      this.#watches.set(key, watch);
      void this.#subscribe(key, watch);
    }
    // Listeners are told apart, even if they are the same function.
    const own = (): void => listener();
    watch.listeners.add(own);
    return () => this.#leave(key, watch, own);
  }

  /** There is work on a queue in so many ms: 0 calls the listeners now, less means never. */
  wake(key: string, inMs: number): void {
    const watch = this.#watches.get(key);
    if (watch === undefined || inMs < 0) return;
    if (inMs === 0) this.#call(watch);
    else this.#arm(key, watch, inMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#heartbeat);
    this.#stopListening();
    for (const { timer } of this.#watches.values()) clearTimeout(timer);
    this.#watches.clear();
    await closed(this.#subscriber);
  }

  #leave(key: string, watch: Watch, listener: () => void): void {
    watch.listeners.delete(listener);
    if (watch.listeners.size > 0 || this.#watches.get(key) !== watch) return;
    clearTimeout(watch.timer);
    this.#watches.delete(key);
    this.#subscriber.unsubscribe(`${key}:wake`).catch(() => {});
  }

  /** First the channel, then the question: what happens in between is heard of twice, not missed. */
  async #subscribe(key: string, watch: Watch): Promise<void> {
    try {
      await this.#subscriber.subscribe(`${key}:wake`);
      await this.#ask(key, watch, true);
    } catch {
      // There is no connection; when there is one, everybody is subscribed and called.
    }
  }

  async #ask(key: string, watch: Watch, mayCall: boolean): Promise<void> {
    const inMs = Number(await this.#link.script('next', [key]));
    if (this.#watches.get(key) !== watch) return;
    if (inMs > 0 || mayCall) this.wake(key, inMs);
  }

  #everybody(): void {
    if (this.#subscriber.status !== 'ready' || !this.#link.isReady) return;
    for (const [key, watch] of this.#watches) {
      this.#call(watch);
      void this.#subscribe(key, watch);
    }
  }

  #arm(key: string, watch: Watch, inMs: number): void {
    const ringsAt = performance.now() + Math.min(inMs, TIMER_MAXIMUM_MS);
    if (watch.ringsAt <= ringsAt) return;
    clearTimeout(watch.timer);
    watch.ringsAt = ringsAt;
    watch.timer = setTimeout(() => {
      watch.timer = undefined;
      watch.ringsAt = Infinity;
      this.#call(watch);
      // For the next time, should nobody claim.
      this.#ask(key, watch, false).catch(() => {});
    }, ringsAt - performance.now());
  }

  #call(watch: Watch): void {
    for (const listener of watch.listeners) listener();
  }

  #beat(): void {
    this.#subscriber.ping().catch((error: Error) => {
      if (error.message === 'Command timed out') this.#subscriber.disconnect(true);
    });
    this.#link.measureClock().catch(() => {});
  }
}
