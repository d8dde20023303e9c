/**
 * The embedded engine of queues, on one SQLite file of one host. `sqlite/` has its parts; here they meet, with a clock and whoever
 * waits for work.
 *
 * Owner: the main thread. Invariants, beside those of every engine (queue-engine.ts):
 *  1. What `send`, `redrive`, `purge` and `remove` answer is on the disk: it survives a power cut. Claims and settlements survive the
 *     process; a power cut may undo the last of them, which hands messages out again and loses none.
 *  2. A host that starts takes back what its predecessor had in flight, each attempt counted: leases end with their holder.
 *  3. One timer, for the earliest time at which anything is due in any queue.
 *  4. In memory are a few numbers per queue, and the ids of what is in flight. Neither bodies nor what waits.
 */
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
import { type CopyOptions, copyDatabase } from '../backup/database-copy.ts';
import { LogSync } from '../log-sync.ts';
import type { Claim, ClaimOptions, MessagePage, QueueEngine, Settlement } from './queue-engine.ts';
import { Checkpoints, type CheckpointsOptions } from './sqlite/checkpoints.ts';
import { Claiming } from './sqlite/claiming.ts';
import { AGAIN, CommitQueue, type SetTimer } from './sqlite/commit-queue.ts';
import { DeadLetters } from './sqlite/dead-letters.ts';
import { Deduplication } from './sqlite/deduplication.ts';
import { FreeSpace } from './sqlite/free-space.ts';
import { Peeking } from './sqlite/peeking.ts';
import { QueueFile } from './sqlite/queue-file.ts';
import type { QueueState } from './sqlite/queue-state.ts';
import { Sending } from './sqlite/sending.ts';
import { Upkeep } from './sqlite/upkeep.ts';
import { WaitingMessages } from './sqlite/waiting-messages.ts';

export interface SqliteQueuesOptions {
  /** A path, or `:memory:`, which nothing survives. */
  readonly path: string;
  /** Milliseconds since the epoch; the system's where absent. */
  readonly now?: () => number;
  /** Calls back once, unless the returned call comes first; the system's timers where absent. */
  readonly setTimer?: SetTimer;
  /** Instead of `QUEUE_LIMITS.messages`. */
  readonly messagesPerQueue?: number;
  /** Bound of the file; beyond it the store is as full as a disk that is. */
  readonly maxFileBytes?: number;
  /** For the operator: what went wrong that no caller is told. */
  readonly report?: (message: string, error?: unknown) => void;
  /** Other bounds of the log, or another thread for it, for tests. */
  readonly checkpoints?: Pick<CheckpointsOptions, 'pages' | 'startThread'>;
  /** Instead of `fdatasync`, for tests of a disk that fails. */
  readonly sync?: (fd: number) => Promise<void>;
}

/** Messages that one slice of a long operation moves: 1 to 3 ms. */
const SLICE = 300;

/** A backup that needs longer for its last step is given up: who sends meanwhile is not refused. */
const HOLD_MS = QUEUE_LIMITS.storeTimeoutMs / 2;

/** Operations of a turn that leave time to look at free space: 4 µs. */
const FEW = 3;

/** The clock may be set: a longer wait is looked at again by then. */
const LONGEST_TIMER_MS = 30_000;

export class SqliteQueues implements QueueEngine {
  readonly #file: QueueFile;
  readonly #sync: LogSync;
  readonly #commits: CommitQueue;
  readonly #waiting: WaitingMessages;
  readonly #sending: Sending;
  readonly #claiming: Claiming;
  readonly #deadLetters: DeadLetters;
  readonly #upkeep: Upkeep;
  readonly #peeking: Peeking;
  readonly #space: FreeSpace;
  readonly #checkpoints: Checkpoints;
  readonly #listeners = new Map<string, Set<() => void>>();
  readonly #now: () => number;
  readonly #setTimer: SetTimer;
  #wakeAtMs = 0;
  #timer: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #isRemoving = true;
  #isShrinking = false;
  #copies = 0;

  /** Throws DatabaseOpenError when the file is in use, damaged or from a newer release. */
  constructor(options: SqliteQueuesOptions) {
    const { path, now = Date.now, setTimer = systemTimer } = options;
    this.#now = now;
    this.#setTimer = setTimer;
    this.#file = new QueueFile(path, options.maxFileBytes);
    const { database } = this.#file;
    this.#sync = new LogSync({ path, ...(options.sync === undefined ? {} : { sync: options.sync }) });
    this.#waiting = new WaitingMessages(database);
    this.#sending = new Sending(
      database,
      this.#waiting,
      new Deduplication(database),
      options.messagesPerQueue ?? QUEUE_LIMITS.messages,
    );
    this.#claiming = new Claiming(database, this.#waiting);
    this.#deadLetters = new DeadLetters(database, this.#waiting);
    this.#upkeep = new Upkeep(database, this.#waiting, this.#claiming, this.#deadLetters);
    this.#peeking = new Peeking(database);
    this.#commits = new CommitQueue({
      file: this.#file,
      sync: this.#sync,
      now,
      setTimer,
      committed: (touched) => this.#committed(touched),
      background: (nowMs, hasTime, asked) => this.#background(nowMs, hasTime, asked),
    });
    this.#space = new FreeSpace(database);
    this.#checkpoints = new Checkpoints({
      path,
      database,
      setTimer,
      hold: () => this.#commits.hold(),
      report: options.report ?? (() => {}),
      ...options.checkpoints,
    });
    this.#commits.wake();
  }

  async send(
    queue: QueueId,
    settings: QueueSettings,
    messages: readonly NewMessage[],
  ): Promise<SentMessage[]> {
    if (messages.length === 0) return [];
    const key = queueKey(queue);
    return this.#commits.ask(true, (nowMs) =>
      this.#sending.send(this.#file.open(key, settings), messages, nowMs),
    );
  }

  async claim(queue: QueueId, options: ClaimOptions): Promise<readonly Claim[]> {
    const taken = await this.#askUpToDate(false, queue, [], (state, nowMs) =>
      this.#claiming.claim(state, options, nowMs),
    );
    return taken.map((each) => ({ queue, ...each }));
  }

  extend({ queue, lease }: Claim, visibilityMs: number): Promise<boolean> {
    return this.#ask(false, queue, false, (state, nowMs) =>
      this.#claiming.extend(state, lease, visibilityMs, nowMs),
    );
  }

  settle({ queue, lease }: Claim, settlements: readonly Settlement[]): Promise<boolean> {
    return this.#ask(false, queue, false, (state, nowMs) =>
      this.#claiming.settle(state, lease, settlements, nowMs),
    );
  }

  counts(queue: QueueId): Promise<QueueCounts> {
    const none = { ready: 0, delayed: 0, inFlight: 0, dead: 0, oldestSentAtMs: undefined };
    return this.#askUpToDate<QueueCounts>(false, queue, none, (state) => ({
      ready: state.waiting - state.delayed,
      delayed: state.delayed,
      inFlight: state.inFlight.size,
      dead: state.dead,
      oldestSentAtMs: this.#peeking.oldestSentAtMs(state),
    }));
  }

  peek(
    queue: QueueId,
    which: MessageState,
    page: MessagePage,
  ): Promise<{ readonly messages: readonly (QueueMessage | DeadLetter)[]; readonly next?: string }> {
    return this.#askUpToDate(false, queue, { messages: [] }, (state, nowMs) =>
      this.#peeking.page(state, which, page, nowMs),
    );
  }

  async redrive(queue: QueueId, ids?: readonly MessageId[]): Promise<number> {
    let count = 0;
    if (ids) {
      for (let start = 0; start < ids.length; start += SLICE) {
        count += await this.#askUpToDate(true, queue, 0, (state, nowMs) =>
          this.#deadLetters.redriveNamed(state, ids.slice(start, start + SLICE), nowMs),
        );
      }
      return count;
    }
    const none = { count: 0, isLast: true };
    const endSeq = await this.#askUpToDate(false, queue, 0, ({ nextSeq }) => nextSeq);
    for (let isLast = false; !isLast; ) {
      const slice = await this.#askUpToDate(false, queue, none, (state, nowMs) =>
        this.#deadLetters.redrive(state, endSeq, SLICE, nowMs),
      );
      count += slice.count;
      isLast = slice.isLast;
    }
    await this.#durable();
    return count;
  }

  async purge(queue: QueueId, what: 'waiting' | 'dead'): Promise<number> {
    const endSeq = await this.#askUpToDate(false, queue, 0, ({ nextSeq }) => nextSeq);
    let count = 0;
    let place: number | undefined = 0;
    while (place !== undefined) {
      const after: number = place;
      const slice = await this.#ask(false, queue, { count: 0, next: undefined }, (state) => {
        if (what === 'waiting') return this.#waiting.purge(state, after, endSeq, SLICE);
        const { count, isLast } = this.#deadLetters.purge(state, endSeq, SLICE);
        return { count, next: isLast ? undefined : 0 };
      });
      count += slice.count;
      place = slice.next;
    }
    await this.#durable();
    return count;
  }

  remove(queue: QueueId): Promise<void> {
    return this.#ask(true, queue, undefined, (state) => {
      this.#file.detach(state);
      this.#isRemoving = true;
    });
  }

  onWork(queue: QueueId, listener: () => void): () => void {
    const key = queueKey(queue);
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners);
    // Its own, so that one function may listen twice.
    const call = (): void => listener();
    listeners.add(call);
    return () => {
      listeners.delete(call);
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
    };
  }

  /**
   * Copies the file as of one moment. `atCut` runs after it, and until it ends nothing changes: what is asked waits, for
   * {@link HOLD_MS} at most.
   */
  async copyTo(options: CopyOptions, atCut: () => Promise<void>): Promise<void> {
    const overdue = new AbortController();
    const signal = AbortSignal.any([options.signal, overdue.signal]);
    using held = new DisposableStack();
    const beforeLast = (): void => {
      const hold = held.use(this.#commits.hold());
      const cancel = this.#setTimer(() => {
        overdue.abort(new Error(`queues stood still for ${HOLD_MS} ms`));
        hold[Symbol.dispose]();
      }, HOLD_MS);
      held.defer(cancel);
    };
    this.#copies++;
    held.defer(() => this.#copies--);
    await copyDatabase(this.#file.database, { ...options, signal, beforeLast });
    await atCut();
    overdue.signal.throwIfAborted();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#file.database.isOpen) return;
    // At once, so that what was asked goes on.
    const ended = this.#checkpoints.end();
    await this.#commits.close();
    await ended;
    this.#timer?.cancel();
    this.#sync.close();
    this.#file.close();
    this.#checkpoints.close();
  }

  #ask<T>(
    isDurable: boolean,
    queue: QueueId,
    without: T,
    work: (state: QueueState, nowMs: number) => T | typeof AGAIN,
  ): Promise<T> {
    const key = queueKey(queue);
    return this.#commits.ask(isDurable, (nowMs) => {
      const state = this.#file.use(key);
      return state === undefined ? without : work(state, nowMs);
    });
  }

  #askUpToDate<T>(
    isDurable: boolean,
    queue: QueueId,
    without: T,
    work: (state: QueueState, nowMs: number) => T,
  ): Promise<T> {
    return this.#ask<T>(isDurable, queue, without, (state, nowMs) =>
      this.#upkeep.run(state, nowMs) ? work(state, nowMs) : AGAIN,
    );
  }

  /** All that was committed before is on the disk. */
  #durable(): Promise<void> {
    return this.#commits.ask(true, () => undefined);
  }

  #background(nowMs: number, hasTime: () => boolean, asked: number): boolean {
    if (this.#wakeAtMs <= nowMs) {
      let wakeAtMs = Infinity;
      for (const state of this.#file.states) {
        if (state.wakeAtMs <= nowMs && hasTime()) {
          this.#file.touch(state);
          this.#upkeep.run(state, nowMs);
        }
        wakeAtMs = Math.min(wakeAtMs, state.wakeAtMs);
      }
      this.#wakeAtMs = wakeAtMs;
      if (wakeAtMs <= nowMs) return true;
    }
    if (this.#isRemoving) this.#isRemoving = !this.#file.dropRemoved(SLICE);
    if (this.#isRemoving) return true;
    return asked <= FEW && this.#shrink(hasTime, asked === 0);
  }

  /** True if there is more to give back. */
  #shrink(hasTime: () => boolean, isIdle: boolean): boolean {
    // Who copies has to know which step is the last.
    if (this.#copies > 0) return false;
    const isTooMuch = this.#space.isTooMuch;
    if (isTooMuch && isIdle) {
      this.#space.giveBack(hasTime);
      this.#isShrinking = true;
    }
    if (!isTooMuch && this.#isShrinking) {
      this.#isShrinking = false;
      this.#checkpoints.request();
    }
    return isTooMuch;
  }

  #committed(touched: readonly QueueState[]): void {
    for (const state of touched) {
      this.#wakeAtMs = Math.min(this.#wakeAtMs, state.wakeAtMs);
      if (!state.hasNews) continue;
      state.hasNews = false;
      for (const call of this.#listeners.get(state.key) ?? []) call();
    }
    this.#checkpoints.committed();
    this.#arm();
  }

  #arm(): void {
    if (this.#timer?.atMs === this.#wakeAtMs) return;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#wakeAtMs === Infinity) return;
    const delayMs = Math.min(Math.max(0, this.#wakeAtMs - this.#now()), LONGEST_TIMER_MS);
    const cancel = this.#setTimer(() => {
      this.#timer = undefined;
      if (this.#wakeAtMs <= this.#now()) this.#commits.wake();
      else this.#arm();
    }, delayMs);
    this.#timer = { atMs: this.#wakeAtMs, cancel };
  }
}

/** Does not keep the process alive. */
function systemTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}
