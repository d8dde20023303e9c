/**
 * Feeds one function from one queue or stream: claims batches, has them run ({@link Batch}), and keeps to how fast the function can be
 * fed. One of many in the main thread; idle it is a listener and no timer.
 *
 * 1. Batches run beside one another, as many as `maximumConcurrency` and the last refusals allow, claims that are asked for included. One whose
 *    last messages are being settled counts no more: the next claim is asked for right behind the settlement, in the same turn. For all
 *    batches that end in one turn that is one question.
 * 2. One claim is asked for at a time where the last one came back short, or was refused; with each batch that is done twice as many at once.
 *    So a backlog is drained at the pace of the function, not of a round trip, and an idle queue is asked once.
 * 3. It claims on a sign of work, after a claim that gave something, and when a wait is over; never in a loop that gets nothing.
 * 4. A sign that comes while it is busy is kept (`#hasNews`): what it says is looked at before the consumer is idle.
 * 5. In `waiting`, `paused`, `draining` and `stopped` nothing is claimed. What a claim brings that was asked for before is given back.
 * 6. At most one timer is its own: that of `gathering` or `waiting`.
 */

import { toErrorMessage } from '../errors/errors.ts';
import type { ConsumerStatus } from '../model/consumer-status.ts';
import type { MessageCause } from '../model/queue-message.ts';
import { CLAIMED_AT_ONCE, type Claim } from '../store/queues/queue-engine.ts';
import { Batch, type BatchPorts, type BatchResult, type BatchSettings, visibilityMs } from './batch.ts';
import type { BatchBudget, Reservation } from './batch-budget.ts';
import { type ConsumerCounts, noCounts, statusOf } from './consumer-counts.ts';
import { Pace } from './pace.ts';
import { backoffMs } from './retry-policy.ts';
import type { BatchTarget } from './run-delivery.ts';

export type ConsumerState =
  /** Has asked for everything there is; waits for a sign of more. */
  | { readonly kind: 'idle' }
  /** Messages wait for others to fill the batch. */
  | { readonly kind: 'gathering'; readonly untilMs: number }
  | { readonly kind: 'claiming' }
  /** As many batches in work as may be; goes on when one ends. */
  | { readonly kind: 'busy' }
  /** The function cannot be fed, or the store is away: `waitingFor` says why. */
  | { readonly kind: 'waiting'; readonly untilMs: number; readonly waitingFor: MessageCause }
  | { readonly kind: 'paused' }
  | { readonly kind: 'draining' }
  | { readonly kind: 'stopped' };

export interface ConsumerSettings extends BatchSettings {
  readonly batchingWindowMs: number;
  readonly maximumConcurrency: number;
}

export interface ConsumerPorts extends BatchPorts {
  readonly budget: BatchBudget;
  /** Called when the consumer has become idle, with nothing in work. */
  onIdle?(): void;
}

type Asked =
  | { readonly kind: 'claims'; readonly claims: readonly Claim[] }
  | { readonly kind: 'failed'; readonly error: unknown };

/** Bodies of one claim, and of all that are asked for together. Lambda hands its functions at most 6 MB. */
export const BATCH_BYTES: number = 6 * 1024 * 1024;

const STORE_BACKOFF = { baseMs: 100, maximumMs: 5_000, jitter: 'equal' } as const;

export class Consumer {
  readonly #ports: ConsumerPorts;
  readonly #target: BatchTarget;
  #settings: ConsumerSettings;
  #state: ConsumerState = { kind: 'idle' };
  #hasNews = false;
  #cancelTimer: () => void = () => {};
  /** Claims that are asked for, and how many may be at a time. */
  #asking = 0;
  #asksAllowed = 1;
  #isLookingSoon = false;
  #isCounting = false;
  #storeFailures = 0;
  readonly #batches = new Set<Batch>();
  /** Of those, how many wait for nothing but the store. */
  #settling = 0;
  readonly #pace: Pace;
  readonly #counts: ConsumerCounts;
  #stopListening: () => void = () => {};
  #drained: PromiseWithResolvers<void> | undefined;

  constructor(
    ports: ConsumerPorts,
    target: BatchTarget,
    settings: ConsumerSettings,
    counts: ConsumerCounts = noCounts(),
  ) {
    this.#ports = ports;
    this.#target = target;
    this.#settings = settings;
    this.#counts = counts;
    this.#pace = new Pace(ports.random);
  }

  /** Begins to listen, and claims what is there already. */
  start(): void {
    this.#stopListening = this.#ports.source.onWork(() => this.#hear());
    this.#look();
  }

  get state(): ConsumerState {
    return this.#state;
  }

  get status(): ConsumerStatus {
    return {
      ...(this.#state.kind === 'waiting' ? { waitingFor: this.#state.waitingFor } : {}),
      ...statusOf(this.#publicState(), this.#counts, this.#batches.size),
    };
  }

  #publicState(): ConsumerStatus['state'] {
    switch (this.#state.kind) {
      case 'idle':
      case 'claiming':
        return this.#batches.size > 0 ? 'running' : 'idle';
      case 'gathering':
      case 'busy':
        return 'running';
      case 'waiting':
      case 'paused':
        return this.#state.kind;
      case 'draining':
      case 'stopped':
        return 'stopped';
    }
  }

  /** Holds for batches that are claimed from now on. */
  configure(settings: ConsumerSettings): void {
    this.#settings = settings;
    this.wake();
  }

  /** What stood in the way may be gone (a deployment, a quota): waits no longer. */
  wake(): void {
    if (this.#state.kind === 'waiting' || this.#state.kind === 'gathering') this.#enter({ kind: 'idle' });
    this.#hear();
  }

  /** Claims nothing until {@link resume}; what is in work goes on. */
  pause(): void {
    if (this.#drained === undefined) this.#enter({ kind: 'paused' });
  }

  resume(): void {
    if (this.#state.kind !== 'paused') return;
    this.#enter({ kind: 'idle' });
    this.#look();
  }

  /** Claims no more, and lets what runs end for so long; the rest is given back. Resolves when nothing is in work. */
  drain(timeoutMs: number): Promise<void> {
    if (this.#drained !== undefined) return this.#drained.promise;
    const drained = Promise.withResolvers<void>();
    this.#drained = drained;
    this.#stopListening();
    this.#enter({ kind: 'draining' });
    for (const batch of this.#batches) batch.stop();
    const abandon = this.#ports.clock.after(timeoutMs, () => {
      for (const batch of this.#batches) batch.abandon();
    });
    void drained.promise.then(abandon);
    this.#endDrain();
    return drained.promise;
  }

  #endDrain(): void {
    if (this.#state.kind !== 'draining' || this.#asking > 0 || this.#batches.size > 0) return;
    this.#enter({ kind: 'stopped' });
    this.#drained?.resolve();
  }

  /** The only place where the state changes: a state's timer ends with it. */
  #enter(state: ConsumerState, timer?: { readonly afterMs: number; readonly run: () => void }): void {
    this.#cancelTimer();
    this.#state = state;
    this.#cancelTimer = timer === undefined ? () => {} : this.#ports.clock.after(timer.afterMs, timer.run);
  }

  #hear(): void {
    this.#hasNews = true;
    switch (this.#state.kind) {
      case 'idle':
      case 'busy':
        this.#look();
        return;
      case 'gathering':
        void this.#gather(this.#state.untilMs);
        return;
      case 'claiming':
      case 'waiting':
      case 'paused':
      case 'draining':
      case 'stopped':
        return;
    }
  }

  /** From `idle` or `busy`: claims, or says what it waits for. */
  #look(): void {
    const { batchingWindowMs } = this.#settings;
    if (this.#room <= 0) {
      this.#enter({ kind: 'busy' });
      return;
    }
    if (batchingWindowMs === 0) {
      this.#claim();
      return;
    }
    const untilMs = this.#ports.clock.nowMs() + batchingWindowMs;
    this.#enter({ kind: 'gathering', untilMs }, { afterMs: batchingWindowMs, run: () => this.#claim() });
    void this.#gather(untilMs);
  }

  /** Claims as soon as the batch would be full. With nothing there, the window begins with the first message. */
  async #gather(untilMs: number): Promise<void> {
    if (this.#isCounting) return;
    this.#isCounting = true;
    const isGathering = (): boolean => this.#state.kind === 'gathering' && this.#state.untilMs === untilMs;
    try {
      do {
        this.#hasNews = false;
        const ready = await this.#ports.source.readyCount();
        if (!isGathering()) return;
        if (ready !== undefined && ready >= this.#settings.batchSize) {
          this.#claim();
          return;
        }
        if (ready === 0 && !this.#hasNews) {
          this.#becomeIdle();
          return;
        }
      } while (this.#hasNews);
    } catch (error) {
      if (isGathering()) this.#waitForStore(error);
    } finally {
      this.#isCounting = false;
      // Another window may have begun meanwhile, and found this count under way.
      if (this.#state.kind === 'gathering' && this.#state.untilMs !== untilMs)
        void this.#gather(this.#state.untilMs);
    }
  }

  /** Claims that may be asked for beside those that are. */
  get #room(): number {
    const allowed = this.#pace.allowed(this.#settings.maximumConcurrency);
    const all = this.#batches.size + this.#asking;
    // What is being settled is bounded, too: its messages are still in memory.
    return Math.min(allowed - (all - this.#settling), 2 * allowed - all);
  }

  #claim(): void {
    this.#enter({ kind: 'claiming' });
    const most = Math.max(1, Math.floor(CLAIMED_AT_ONCE / this.#settings.batchSize));
    // Those that were asked for before a pause are still under way; it goes on from here.
    for (;;) {
      const claims = Math.min(most, this.#asksAllowed - this.#asking, this.#room);
      if (claims <= 0) return;
      void this.#claimSome(claims);
    }
  }

  /** When all that ends in this turn has ended. */
  #lookSoon(): void {
    if (this.#isLookingSoon) return;
    this.#isLookingSoon = true;
    process.nextTick(() => {
      this.#isLookingSoon = false;
      if (this.#state.kind === 'busy') this.#look();
      else if (this.#state.kind === 'claiming') this.#claim();
    });
  }

  async #claimSome(count: number): Promise<void> {
    this.#asking += count;
    this.#hasNews = false;
    const settings = this.#settings;
    using reservation = await this.#ports.budget.reserve(this.#target.tenant, BATCH_BYTES);
    const asked = await this.#ask(settings, count);
    this.#asking -= count;
    const claims = asked.kind === 'claims' ? asked.claims : [];
    for (const claim of claims) void this.#work(claim, settings, reservation.split(bytesOf(claim)));
    if ((claims.at(-1)?.messages.length ?? 0) < settings.batchSize) this.#asksAllowed = 1;
    if (!this.#mayClaim()) return this.#endDrain();
    if (asked.kind === 'failed') this.#waitForStore(asked.error);
    else if (claims.length > 0 || this.#hasNews) this.#look();
    else if (this.#asking === 0) this.#becomeIdle();
  }

  async #ask(settings: ConsumerSettings, count: number): Promise<Asked> {
    // While it waited for room it may have been told to stop.
    if (!this.#mayClaim()) return { kind: 'claims', claims: [] };
    try {
      const claims = await this.#ports.source.claim({
        maxMessages: settings.batchSize,
        maxBytes: BATCH_BYTES,
        visibilityMs: visibilityMs(settings.timeoutMs),
        maxClaims: settings.maximumConcurrency,
        claims: count,
      });
      this.#storeFailures = 0;
      return { kind: 'claims', claims };
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  #mayClaim(): boolean {
    return this.#state.kind === 'claiming' || this.#state.kind === 'busy';
  }

  #becomeIdle(): void {
    this.#enter({ kind: 'idle' });
    if (this.#batches.size === 0) this.#ports.onIdle?.();
  }

  async #work(claim: Claim, settings: ConsumerSettings, reservation: Reservation): Promise<void> {
    using _ = reservation;
    const batch = new Batch(this.#ports, this.#target, settings, claim);
    if (!this.#mayClaim()) batch.stop();
    this.#batches.add(batch);
    let isSettling = false;
    const result = await batch.run(() => {
      isSettling = true;
      this.#settling++;
      this.#lookSoon();
    });
    if (isSettling) this.#settling--;
    this.#batches.delete(batch);
    this.#note(result);
    if (this.#state.kind === 'busy') this.#lookSoon();
    else if (this.#state.kind === 'idle') this.#becomeIdle();
    else this.#endDrain();
  }

  #note(result: BatchResult): void {
    if (result.kind === 'lost') return;
    const { counts } = result;
    this.#counts.done += counts.done;
    this.#counts.filtered += counts.filtered;
    this.#counts.retried += counts.retried;
    this.#counts.dead += counts.dead;
    if (result.kind === 'settled') {
      const { maximumConcurrency, batchingWindowMs } = this.#settings;
      this.#pace.fed(maximumConcurrency);
      if (batchingWindowMs === 0) this.#asksAllowed = Math.min(2 * this.#asksAllowed, maximumConcurrency);
      return;
    }
    this.#asksAllowed = 1;
    const isNew = this.#state.kind !== 'waiting';
    this.#wait(result.cause, this.#pace.refused(result.retryAfterMs, isNew));
  }

  #waitForStore(error: unknown): void {
    const { code, detail } = toErrorMessage(error);
    if (code === 'internal_error')
      this.#ports.report(
        `the messages for ${this.#target.tenant}/${this.#target.name} could not be claimed`,
        error,
      );
    this.#storeFailures++;
    this.#wait({ code, detail }, backoffMs(STORE_BACKOFF, this.#storeFailures, this.#ports.random));
  }

  #wait(waitingFor: MessageCause, afterMs: number): void {
    const untilMs = this.#ports.clock.nowMs() + afterMs;
    switch (this.#state.kind) {
      case 'paused':
      case 'draining':
      case 'stopped':
        return;
      case 'waiting':
        if (this.#state.untilMs >= untilMs) return;
        break;
      case 'idle':
      case 'gathering':
      case 'claiming':
      case 'busy':
        break;
    }
    this.#enter({ kind: 'waiting', untilMs, waitingFor }, { afterMs, run: () => this.#look() });
  }
}

function bytesOf({ messages }: Claim): number {
  return messages.reduce((sum, { body }) => sum + body.length, 0);
}
