/**
 * An engine that forgets what was in removed queues before it does anything else with a queue of their names.
 *
 * The registry notes a removal in the transaction that makes it (queue-table.ts); here the content follows. In between lie a
 * crash or a store that is away, and perhaps a new tenant of the name, who must not see the old one's messages.
 *
 * Invariants:
 *  1. While a removal is noted, no operation on that queue but `remove` reaches the engine.
 *  2. A note goes only after the engine has removed the content.
 *  3. What waited for a removal reaches the engine only if there was no further one.
 */
import { MayflyError } from '../../errors/errors.ts';
import type { QueueId } from '../../model/queue.ts';
import { queueKey } from '../../model/queue.ts';
import type { QueueTable } from '../queue-table.ts';
import type { QueueEngine } from './queue-engine.ts';

export interface ForgottenQueuesPorts {
  readonly engine: QueueEngine;
  readonly table: Pick<QueueTable, 'removals' | 'removed' | 'onRemoval'>;
  /** For the operator: a store that did not answer, for the first time. */
  readonly report: (message: string, error: unknown) => void;
  /** Calls `run` once, later; the returned call takes it back. */
  readonly after: (delayMs: number, run: () => void) => () => void;
}

interface Note {
  readonly queue: QueueId;
  attempt?: Promise<void> | undefined;
}

/** A store that is away is asked again as often. */
const RETRY_MS = 15_000;

export class ForgottenQueues implements QueueEngine {
  readonly #ports: ForgottenQueuesPorts;
  /** By key, what waits to be forgotten, and the attempt at it that is under way. */
  readonly #noted = new Map<string, Note>();
  readonly #unsubscribe: () => void;
  #takeBackRetry: (() => void) | undefined;

  constructor(ports: ForgottenQueuesPorts) {
    this.#ports = ports;
    for (const queue of ports.table.removals()) this.#note(queue);
    this.#unsubscribe = ports.table.onRemoval((queue) => this.#note(queue));
  }

  /** Resolves when everything that is noted was tried once. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#noted.values()].map(({ queue }) => this.#forget(queue)));
  }

  async send(...[queue, ...rest]: Parameters<QueueEngine['send']>): ReturnType<QueueEngine['send']> {
    await this.#forget(queue);
    return this.#ports.engine.send(queue, ...rest);
  }

  async claim(...[queue, options]: Parameters<QueueEngine['claim']>): ReturnType<QueueEngine['claim']> {
    await this.#forget(queue);
    return this.#ports.engine.claim(queue, options);
  }

  extend(...[claim, visibilityMs]: Parameters<QueueEngine['extend']>): ReturnType<QueueEngine['extend']> {
    return this.#ports.engine.extend(claim, visibilityMs);
  }

  settle(...[claim, settlements]: Parameters<QueueEngine['settle']>): ReturnType<QueueEngine['settle']> {
    return this.#ports.engine.settle(claim, settlements);
  }

  async counts(queue: QueueId): ReturnType<QueueEngine['counts']> {
    await this.#forget(queue);
    return this.#ports.engine.counts(queue);
  }

  async peek(...[queue, ...rest]: Parameters<QueueEngine['peek']>): ReturnType<QueueEngine['peek']> {
    await this.#forget(queue);
    return this.#ports.engine.peek(queue, ...rest);
  }

  async redrive(...[queue, ids]: Parameters<QueueEngine['redrive']>): ReturnType<QueueEngine['redrive']> {
    await this.#forget(queue);
    return this.#ports.engine.redrive(queue, ids);
  }

  async purge(...[queue, what]: Parameters<QueueEngine['purge']>): ReturnType<QueueEngine['purge']> {
    await this.#forget(queue);
    return this.#ports.engine.purge(queue, what);
  }

  remove(queue: QueueId): Promise<void> {
    return this.#ports.engine.remove(queue);
  }

  onWork(...[queue, listener]: Parameters<QueueEngine['onWork']>): ReturnType<QueueEngine['onWork']> {
    return this.#ports.engine.onWork(queue, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#unsubscribe();
    this.#takeBackRetry?.();
    await Promise.allSettled([...this.#noted.values()].map(({ attempt }) => attempt));
    await this.#ports.engine[Symbol.asyncDispose]();
  }

  #note(queue: QueueId): void {
    this.#noted.set(queueKey(queue), { queue });
    this.#forget(queue).catch((error: unknown) => {
      this.#ports.report(`what was in the removed queue ${queueKey(queue)} is still kept`, error);
      this.#retryLater();
    });
  }

  /** At once where nothing is noted, which is nearly always. */
  async #forget(queue: QueueId): Promise<void> {
    if (this.#noted.size === 0) return;
    const key = queueKey(queue);
    const note = this.#noted.get(key);
    if (note === undefined) return;
    note.attempt ??= this.#remove(key, note).finally(() => {
      note.attempt = undefined;
    });
    await note.attempt;
    if (this.#noted.has(key)) throw new MayflyError('queue_unavailable', 'The queue was removed meanwhile.');
  }

  /** Removed once more meanwhile, it is noted anew, and so it stays. */
  async #remove(key: string, note: Note): Promise<void> {
    await this.#ports.engine.remove(note.queue);
    if (this.#noted.get(key) !== note) return;
    this.#ports.table.removed(note.queue);
    this.#noted.delete(key);
  }

  #retryLater(): void {
    this.#takeBackRetry ??= this.#ports.after(RETRY_MS, () => {
      this.#takeBackRetry = undefined;
      void this.settled().then(() => {
        if (this.#noted.size > 0) this.#retryLater();
      });
    });
  }
}
