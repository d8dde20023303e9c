/**
 * One transaction per turn of the event loop for everything that was asked in it, and one sync of the log for all that has to be durable.
 *
 * Invariants:
 *  1. Operations run in the order in which they were asked, each to its end. What is told to whoever asked was committed before; where
 *     it has to be durable, it was synced before, too.
 *  2. A transaction takes BUDGET_MS, plus its last operation and the commit; then the event loop has a turn.
 *  3. An operation that throws a MayflyError has written nothing, and harms no other. Where anything else fails, all of the transaction
 *     is undone and each operation is tried again alone: who fails then is the one who cannot be helped.
 *  4. Nothing is kept for later: an operation ends in its turn, or in the next ones if there are many, or is refused.
 *  5. While it is held there is no transaction; what was asked waits, and is refused after `QUEUE_LIMITS.storeTimeoutMs`.
 */
import { MayflyError } from '../../../errors/errors.ts';
import { QUEUE_LIMITS } from '../../../limits/event-limits.ts';
import type { LogSync } from '../../log-sync.ts';
import type { QueueFile } from './queue-file.ts';
import type { QueueState } from './queue-state.ts';

/** An operation answers this if there is so much to do first that it wants another turn. */
export const AGAIN: unique symbol = Symbol('again');

/** How long operations may take out of one turn of the event loop. */
const BUDGET_MS = 4;

/** When to look again at a store that failed, though nobody asks: leases and delays go on. */
const PAUSE_MS = 1_000;

export type SetTimer = (callback: () => void, delayMs: number) => () => void;

export interface CommitQueueOptions {
  readonly file: QueueFile;
  readonly sync: LogSync;
  readonly now: () => number;
  readonly setTimer: SetTimer;
  /** Told what a transaction has changed, after it was committed; of one that failed it hears nothing. */
  readonly committed: (touched: readonly QueueState[]) => void;
  /** Work that nobody waits for, at the end of a transaction that has time left; `asked` operations were in it. True if there is more. */
  readonly background: (nowMs: number, hasTime: () => boolean, asked: number) => boolean;
}

interface Operation {
  readonly askedMs: number;
  readonly isDurable: boolean;
  /** Keeps its result. False if it wants another turn. */
  run(nowMs: number): boolean;
  resolve(): void;
  reject(error: unknown): void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: Operation[] = [];
  #scheduled: NodeJS.Immediate | undefined;
  #isClosed = false;
  #holds = 0;
  #cancelHeld: (() => void) | undefined;
  /** Answers that wait for a sync. */
  readonly #syncing = new Set<Promise<void>>();
  #cancelPause: (() => void) | undefined;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
  }

  /** Throws what `work` throws, and `queue_unavailable` where the store fails or takes too long. */
  ask<T>(isDurable: boolean, work: (nowMs: number) => T | typeof AGAIN): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (this.#isClosed) {
      reject(unavailable(new Error('the store is closed')));
      return promise;
    }
    let finish = (): void => {};
    this.#waiting.push({
      askedMs: performance.now(),
      isDurable,
      run(nowMs) {
        try {
          const result = work(nowMs);
          if (result === AGAIN) return false;
          finish = () => resolve(result as T);
        } catch (error) {
          if (!(error instanceof MayflyError)) throw error;
          finish = () => reject(error);
        }
        return true;
      },
      resolve: () => finish(),
      reject,
    });
    this.wake();
    return promise;
  }

  /** Has a transaction in the next turn, if only for work in the background. */
  wake(): void {
    if (this.#holds > 0) return;
    this.#scheduled ??= setImmediate(() => {
      this.#scheduled = undefined;
      this.#commit();
    });
  }

  /** Has no transaction until what is returned is disposed of, and everything else that holds it. */
  hold(): Disposable {
    if (this.#holds++ === 0) {
      clearImmediate(this.#scheduled);
      this.#scheduled = undefined;
      this.#refuseLate();
    }
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        if (--this.#holds > 0) return;
        this.#cancelHeld?.();
        if (!this.#isClosed || this.#waiting.length > 0) this.wake();
      },
    };
  }

  /** Ends what was asked and refuses what is asked from now on. */
  async close(): Promise<void> {
    this.#isClosed = true;
    while (this.#waiting.length > 0) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    clearImmediate(this.#scheduled);
    this.#cancelPause?.();
    await Promise.all(this.#syncing);
  }

  #commit(): void {
    const { file, now, committed, background } = this.#options;
    const startMs = performance.now();
    const hasTime = (): boolean => performance.now() - startMs < BUDGET_MS;
    const nowMs = Math.floor(now());
    const asked = this.#waiting;
    this.#waiting = [];
    const done: Operation[] = [];
    const again: Operation[] = [];
    let tried = 0;
    let touched: readonly QueueState[] | undefined;
    try {
      let isMore = false;
      [isMore, touched] = file.transaction(() => {
        do {
          const operation = asked[tried];
          if (operation === undefined) break;
          tried++;
          if (!this.#isLate(operation, startMs)) (operation.run(nowMs) ? done : again).push(operation);
        } while (hasTime());
        return (
          (hasTime() && background(nowMs, hasTime, asked.length)) || again.length > 0 || tried < asked.length
        );
      });
      this.#waiting = [...again, ...asked.slice(tried), ...this.#waiting];
      if (isMore && !this.#isClosed) this.wake();
      this.#answer(done);
    } catch (error) {
      this.#pause();
      this.#waiting = [...asked.slice(tried), ...this.#waiting];
      const [first, ...others] = asked.slice(0, tried);
      if (first && others.length === 0) first.reject(toError(error));
      else for (const operation of asked.slice(0, tried)) this.#commitAlone(operation);
    }
    if (this.#waiting.length > 0) this.wake();
    if (touched) committed(touched);
  }

  #commitAlone(operation: Operation): void {
    const { file, now, committed } = this.#options;
    let touched: readonly QueueState[] | undefined;
    try {
      let isDone = false;
      [isDone, touched] = file.transaction(() => operation.run(Math.floor(now())));
      if (isDone) this.#answer([operation]);
      else this.#waiting.push(operation);
    } catch (error) {
      operation.reject(toError(error));
    }
    if (touched) committed(touched);
  }

  #answer(done: readonly Operation[]): void {
    const durable = done.filter(({ isDurable }) => isDurable);
    for (const operation of done) if (!operation.isDurable) operation.resolve();
    if (durable.length === 0) return;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const cancel = this.#options.setTimer(
      () => reject(new Error(`no sync within ${QUEUE_LIMITS.storeTimeoutMs} ms`)),
      QUEUE_LIMITS.storeTimeoutMs,
    );
    const answered: Promise<void> = Promise.race([this.#options.sync.durable(), late])
      .then(
        () => {
          for (const operation of durable) operation.resolve();
        },
        (error) => {
          for (const operation of durable) operation.reject(unavailable(error));
        },
      )
      .finally(() => {
        cancel();
        this.#syncing.delete(answered);
      });
    this.#syncing.add(answered);
  }

  #refuseLate(): void {
    this.#cancelHeld = this.#options.setTimer(() => {
      const nowMs = performance.now();
      this.#waiting = this.#waiting.filter((operation) => !this.#isLate(operation, nowMs));
      this.#refuseLate();
    }, PAUSE_MS);
  }

  #isLate(operation: Operation, startMs: number): boolean {
    if (startMs - operation.askedMs <= QUEUE_LIMITS.storeTimeoutMs) return false;
    operation.reject(unavailable(new Error(`not reached within ${QUEUE_LIMITS.storeTimeoutMs} ms`)));
    return true;
  }

  #pause(): void {
    this.#cancelPause ??= this.#options.setTimer(() => {
      this.#cancelPause = undefined;
      this.wake();
    }, PAUSE_MS);
  }
}

/** What SQLite refuses is the store's failure; anything else is a mistake, and whoever asked sees which. */
function toError(error: unknown): unknown {
  const isSqlite = error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
  return isSqlite ? unavailable(error) : error;
}

function unavailable(cause: unknown): MayflyError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MayflyError('queue_unavailable', `The queues' file: ${reason}.`, { cause });
}
