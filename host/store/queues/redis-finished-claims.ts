/**
 * Ends claims all of whose messages are done. Those that end in one turn of the event loop are one script, of each queue: one call for
 * a batch took Redis 100 µs, of which ten messages are 30; and a serving thread tells of many batches at once.
 *
 *  1. They are on their way to Redis when the turn ends, or as soon as {@link flush} is called: what is asked for behind them comes behind them.
 *  2. Whoever settles hears of its own claim alone; where the call fails, all of its claims fail.
 */
import type { RedisLink } from './redis-link.ts';

/** Claims of one call: of ten messages each, Redis does nothing else for about a millisecond. */
const CLAIMS_PER_CALL = 32;

interface Finished {
  readonly leases: string[];
  readonly answers: PromiseWithResolvers<boolean>[];
}

export class RedisFinishedClaims {
  readonly #link: RedisLink;
  readonly #queues = new Map<string, Finished>();

  constructor(link: RedisLink) {
    this.#link = link;
  }

  /** @param key of the queue. False if the lease has expired. */
  add(key: string, lease: string): Promise<boolean> {
    if (this.#queues.size === 0) process.nextTick(() => this.flush());
    let finished = this.#queues.get(key);
    if (finished === undefined) {
      finished = { leases: [], answers: [] };
      this.#queues.set(key, finished);
    }
    const answer = Promise.withResolvers<boolean>();
    finished.leases.push(lease);
    finished.answers.push(answer);
    return answer.promise;
  }

  flush(): void {
    if (this.#queues.size === 0) return;
    for (const [key, { leases, answers }] of this.#queues) {
      for (let at = 0; at < leases.length; at += CLAIMS_PER_CALL) {
        const end = at + CLAIMS_PER_CALL;
        void this.#finish(key, leases.slice(at, end), answers.slice(at, end));
      }
    }
    this.#queues.clear();
  }

  async #finish(key: string, leases: string[], answers: PromiseWithResolvers<boolean>[]): Promise<void> {
    try {
      const held = (await this.#link.script('finish', [key, ...leases])) as number[];
      for (const [index, { resolve }] of answers.entries()) resolve(held[index] === 1);
    } catch (error) {
      for (const { reject } of answers) reject(error);
    }
  }
}
