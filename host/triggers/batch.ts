/**
 * One claim, from the engine's hand back into it: planned, run, told to destinations, settled.
 *
 * 1. Each message is settled once, or the lease has expired: then the engine hands it out again.
 * 2. A destination is told before its message is settled: what is done or dead has been passed on.
 * 3. Runs are one behind the other. When one is refused, it and all behind it are given back.
 * 4. `run` never rejects. A store that is away is asked again until it answers, or {@link abandon}.
 */
import type { Destinations } from '../model/event-source-mapping.ts';
import type { InvocationId } from '../model/ids.ts';
import type { MessageCause, QueueMessage } from '../model/queue-message.ts';
import { type Claim, LEASE_EXPIRED, type Settlement } from '../store/queues/queue-engine.ts';
import { type PlanSettings, planClaim, type Untried } from './claim-plan.ts';
import type { Condition, Outcome } from './destination-record.ts';
import { Lease } from './lease.ts';
import type { Deliver, MessageSource, Randomness, Report, TriggerClock } from './ports.ts';
import { backoffMs } from './retry-policy.ts';
import { type BatchTarget, deliverRun, nameOf, type Refusal } from './run-delivery.ts';
import {
  type FailureOf,
  failuresOf,
  judgeRun,
  type Ran,
  type RunFailure,
  type Verdict,
} from './run-outcome.ts';

export interface BatchSettings extends PlanSettings {
  readonly destinations: Destinations;
  /** Of the function. */
  readonly timeoutMs: number;
}

/** What destinations do for a batch. */
export interface OutcomeSink {
  /** Undefined once the outcome is passed on; never rejects. */
  send(destinations: Destinations, outcome: Outcome): Promise<RunFailure | undefined>;
}

export interface BatchPorts {
  readonly source: MessageSource;
  readonly deliver: Deliver;
  readonly destinations: OutcomeSink;
  readonly clock: TriggerClock;
  readonly random: Randomness;
  readonly report: Report;
}

export interface BatchCounts {
  done: number;
  filtered: number;
  retried: number;
  released: number;
  dead: number;
}

export type BatchResult =
  /** It ran, or nothing in it was to run. */
  | { readonly kind: 'settled'; readonly counts: BatchCounts }
  | {
      readonly kind: 'refused';
      readonly counts: BatchCounts;
      readonly cause: MessageCause;
      readonly retryAfterMs: number;
    }
  /** The lease had expired. */
  | { readonly kind: 'lost' };

/** Between a claim and the first extension; longer for functions that may run for longer. What a dead host held is free after it. */
const VISIBILITY = { marginMs: 10_000, maximumMs: 60_000 } as const;
const SETTLE_BACKOFF = { baseMs: 100, maximumMs: 5_000, jitter: 'equal' } as const;

/** How long a claim is held unless it is extended. */
export function visibilityMs(timeoutMs: number): number {
  return Math.min(timeoutMs + VISIBILITY.marginMs, VISIBILITY.maximumMs);
}

export class Batch {
  readonly #ports: BatchPorts;
  readonly #target: BatchTarget;
  readonly #settings: BatchSettings;
  readonly #claim: Claim;
  readonly #counts: BatchCounts = { done: 0, filtered: 0, retried: 0, released: 0, dead: 0 };
  readonly #abandoned = Promise.withResolvers<'abandoned'>();
  #mode: 'running' | 'stopping' | 'abandoned' = 'running';

  constructor(ports: BatchPorts, target: BatchTarget, settings: BatchSettings, claim: Claim) {
    this.#ports = ports;
    this.#target = target;
    this.#settings = settings;
    this.#claim = claim;
  }

  /** Begins nothing new: what has not begun is given back. */
  stop(): void {
    if (this.#mode === 'running') this.#mode = 'stopping';
  }

  /** Waits for nothing any more: what is not settled is given back in one try. */
  abandon(): void {
    this.#mode = 'abandoned';
    this.#abandoned.resolve('abandoned');
  }

  /**
   * @param onLast called when all has run and its last settlements are on their way to the store; not at all where something was refused
   */
  async run(onLast: () => void = () => {}): Promise<BatchResult> {
    const { clock, report } = this.#ports;
    using lease = new Lease(this.#ports, this.#claim, visibilityMs(this.#settings.timeoutMs));
    try {
      return await this.#run(lease, onLast);
    } catch (error) {
      // A mistake of ours must not hold the messages back, nor end the consumer: the lease expires, with the attempt counted.
      report(`a batch of ${nameOf(this.#target)} failed at ${new Date(clock.nowMs()).toISOString()}`, error);
      return { kind: 'lost' };
    }
  }

  async #run(lease: Lease, onLast: () => void): Promise<BatchResult> {
    const { clock } = this.#ports;
    const plan = planClaim(this.#claim.messages, this.#settings, clock.nowMs());
    // What needs no run is settled with the first one: one write less, and nothing waits for it.
    let settlements: Settlement[] = plan.filtered.map(({ id }) => ({ id, kind: 'done' }));
    for (const { message, because } of plan.untried) settlements.push(await this.#bury(message, because));
    this.#counts.filtered += plan.filtered.length;

    const blocked = new Set<string>();
    let refusal: Refusal | undefined;
    for (const run of plan.runs) {
      const messages = run.filter(({ groupKey }) => groupKey === undefined || !blocked.has(groupKey));
      const outcome =
        refusal === undefined && this.#mode === 'running' && messages.length > 0
          ? await deliverRun(
              this.#ports,
              this.#target,
              messages,
              this.#settings.timeoutMs,
              this.#abandoned.promise,
            )
          : undefined;
      if (outcome?.kind === 'refused') refusal = outcome;
      const ran = outcome === undefined || outcome.kind === 'refused' ? undefined : outcome;
      if (ran !== undefined) settlements.push(...(await this.#judge(messages, ran, blocked)));
      const judged = new Set(ran === undefined ? [] : messages);
      const left = run.filter((message) => !judged.has(message));
      settlements.push(...left.map((message) => this.#release(message)));
      // Runs that are not begun are settled together with the last one that was.
      if (ran === undefined) continue;
      const isLast = refusal === undefined && run === plan.runs.at(-1);
      if (!(await this.#settle(settlements, lease, isLast ? onLast : undefined))) return { kind: 'lost' };
      settlements = [];
    }
    if (settlements.length > 0 && !(await this.#settle(settlements, lease))) return { kind: 'lost' };
    if (refusal === undefined) return { kind: 'settled', counts: this.#counts };
    const { cause, retryAfterMs } = refusal;
    return { kind: 'refused', counts: this.#counts, cause, retryAfterMs };
  }

  /** What becomes of messages that ran; tells destinations. */
  async #judge(messages: readonly QueueMessage[], ran: Ran, blocked: Set<string>): Promise<Settlement[]> {
    const { clock, random } = this.#ports;
    const judge = (failureOf: FailureOf, groups: Set<string>): Verdict[] =>
      judgeRun(messages, failureOf, this.#settings.retry, groups, clock.nowMs(), random);
    const ofRun = failuresOf(ran, messages);
    // Judged before it is known whether the destination takes it; if not, once more from where it was.
    const before = new Set(blocked);
    let verdicts = judge(ofRun, blocked);
    const done = verdicts.filter(({ kind }) => kind === 'done').map(({ message }) => message);
    if (ran.kind === 'returned' && done.length > 0) {
      const { invocationId, answer } = ran;
      const outcome = this.#outcome('Success', done, {
        invocationId,
        ...(answer === undefined ? {} : { answer }),
      });
      const untold = await this.#tell(outcome);
      if (untold === 'abandoned') return messages.map((message) => this.#release(message));
      if (untold !== undefined) {
        const undone = new Set(done);
        blocked.clear();
        for (const group of before) blocked.add(group);
        verdicts = judge((message) => ofRun(message) ?? (undone.has(message) ? untold : undefined), blocked);
      }
    }
    const settlements: Settlement[] = [];
    const cutOff = new Set<string>();
    for (const verdict of verdicts) {
      const { groupKey } = verdict.message;
      const isBehind = groupKey !== undefined && cutOff.has(groupKey);
      const settlement = isBehind
        ? this.#release(verdict.message)
        : verdict.kind === 'dead'
          ? await this.#buryJudged(verdict, ran.invocationId)
          : this.#settlementOf(verdict);
      // Abandoned before its death was told: what is behind it in its group has to wait with it.
      if (settlement.kind === 'release' && groupKey !== undefined) cutOff.add(groupKey);
      settlements.push(settlement);
    }
    return settlements;
  }

  #settlementOf(verdict: Exclude<Verdict, { kind: 'dead' }>): Settlement {
    const { message } = verdict;
    switch (verdict.kind) {
      case 'done':
        this.#counts.done++;
        return { id: message.id, kind: 'done' };
      case 'retry':
        this.#counts.retried++;
        return { id: message.id, kind: 'retry', atMs: verdict.atMs, cause: verdict.cause };
      case 'release':
        return this.#release(message);
    }
  }

  async #buryJudged(
    { message, because, cause: ofRun }: Extract<Verdict, { kind: 'dead' }>,
    invocationId: InvocationId | undefined,
  ): Promise<Settlement> {
    const cause = await this.#tellDeath(message, because, ofRun, invocationId);
    if (cause === 'abandoned') return this.#release(message);
    this.#counts.dead++;
    return { id: message.id, kind: 'dead', cause };
  }

  /** Handed out again at once, if to nobody here: other hosts may have room. */
  #release({ id }: QueueMessage): Settlement {
    this.#counts.released++;
    return { id, kind: 'release', atMs: this.#ports.clock.nowMs() };
  }

  async #bury(message: QueueMessage, because: Untried): Promise<Settlement> {
    const cause = await this.#tellDeath(message, because, this.#causeOf(message, because));
    if (cause === 'abandoned') return this.#release(message);
    this.#counts.dead++;
    return { id: message.id, kind: 'dead', cause, isUntried: true };
  }

  #causeOf(message: QueueMessage, because: Untried): MessageCause {
    switch (because) {
      case 'attempts':
        return message.lastCause ?? LEASE_EXPIRED;
      case 'age':
        return {
          code: 'message_expired',
          detail: `The message was sent longer ago than maximumAgeMs (${this.#settings.retry.maximumAgeMs} ms) allows.`,
        };
      case 'filter':
        return {
          code: 'filter_too_costly',
          detail: 'The message has too many values to compare with the filters.',
        };
    }
  }

  /** Returns the cause for the dead letter, which says so if the destination did not take it. */
  async #tellDeath(
    message: QueueMessage,
    because: Untried | 'final',
    cause: MessageCause,
    invocationId?: InvocationId,
  ): Promise<MessageCause | 'abandoned'> {
    const condition =
      because === 'attempts' ? 'RetriesExhausted' : because === 'age' ? 'EventAgeExceeded' : 'Failed';
    const outcome = this.#outcome(condition, [message], {
      cause,
      ...(invocationId === undefined ? {} : { invocationId }),
    });
    const untold = await this.#tell(outcome);
    if (untold === 'abandoned') return untold;
    if (untold === undefined) return cause;
    return { code: cause.code, detail: `${cause.detail} (onFailure was not told: ${untold.cause.detail})` };
  }

  /** A destination that takes its time does not hold up a stop: what it has not taken by then is handed out again. */
  #tell(outcome: Outcome): Promise<RunFailure | 'abandoned' | undefined> {
    const { destinations } = this.#ports;
    return Promise.race([destinations.send(this.#settings.destinations, outcome), this.#abandoned.promise]);
  }

  #outcome(
    condition: Condition,
    messages: readonly QueueMessage[],
    more: Pick<Outcome, 'invocationId' | 'cause' | 'answer'>,
  ): Outcome {
    const { tenant, generation, name, source } = this.#target;
    return {
      tenant,
      generation,
      name,
      condition,
      messages,
      isBatch: source !== undefined && condition === 'Success',
      ...more,
    };
  }

  /** False if the lease has expired. */
  async #settle(
    settlements: readonly Settlement[],
    lease: Lease,
    onAsked: (() => void) | undefined = undefined,
  ): Promise<boolean> {
    const { source, clock, random } = this.#ports;
    for (let failures = 1; ; failures++) {
      if (lease.isLost) return false;
      try {
        const settled = source.settle(this.#claim, settlements);
        if (failures === 1) onAsked?.();
        return await settled;
      } catch {
        // The consumer finds out for itself, and shows it, that the store is away.
      }
      if (this.#mode === 'abandoned') return false;
      const waited = Promise.withResolvers<void>();
      const cancel = clock.after(backoffMs(SETTLE_BACKOFF, failures, random), waited.resolve);
      await Promise.race([waited.promise, this.#abandoned.promise]);
      cancel();
    }
  }
}
