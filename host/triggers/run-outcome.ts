/**
 * What a run's outcome means for each of its messages. Pure.
 *
 * Of a group, only the first message that failed is charged with an attempt. Those behind it are given back, whatever the guest said of
 * them: they were not handled in their order, and a function that stops at the first failure (as Lambda advises for ordered queues)
 * names them without having looked at them.
 */
import type { EventOutcome } from '../model/event-invocation.ts';
import type { InvocationId } from '../model/ids.ts';
import type { MessageCause, QueueMessage } from '../model/queue-message.ts';
import type { Randomness } from './ports.ts';
import { afterFailure, type RetryPolicy } from './retry-policy.ts';

export type Verdict =
  | { readonly kind: 'done'; readonly message: QueueMessage }
  | {
      readonly kind: 'retry';
      readonly message: QueueMessage;
      readonly atMs: number;
      readonly cause: MessageCause;
    }
  | { readonly kind: 'release'; readonly message: QueueMessage }
  | {
      readonly kind: 'dead';
      readonly message: QueueMessage;
      readonly cause: MessageCause;
      readonly because: 'attempts' | 'age' | 'final';
    };

/** An outcome of which something may have run; without an id where nobody said what came of it. */
export type Ran =
  | (EventOutcome & { readonly kind: 'returned' })
  | { readonly kind: 'failed'; readonly invocationId?: InvocationId; readonly cause: MessageCause };

/** What the guest said of a message; undefined where it was handled. */
export type FailureOf = (message: QueueMessage) => RunFailure | undefined;

export interface RunFailure {
  readonly cause: MessageCause;
  /** Whether it is certain that no further attempt can succeed. */
  readonly isFinal: boolean;
}

/**
 * Reads an outcome. Every failure is tried again, as in Lambda: `isRetryable` says what helps a caller who waits for an answer, but a
 * function that traps today may be mended tomorrow. Names of messages that were not in the run make it a failure as a whole, as in Lambda: which ones the function
 * meant cannot be known.
 */
export function failuresOf(outcome: Ran, run: readonly QueueMessage[]): FailureOf {
  if (outcome.kind === 'failed') {
    const failure = { cause: outcome.cause, isFinal: false };
    return () => failure;
  }
  // What nearly every run comes to.
  if (outcome.failures.length === 0) return handled;
  const details = new Map(outcome.failures.map(({ id, detail }) => [id, detail]));
  const ids = new Set<string>(run.map(({ id }) => id));
  const unknown = outcome.failures.find(({ id }) => !ids.has(id));
  if (unknown !== undefined) {
    const detail = `The function names a failed item ${unknown.id.slice(0, 64)}, which was not in its batch.`;
    return () => ({ cause: { code: 'item_failed', detail }, isFinal: false });
  }
  return ({ id }) => {
    const detail = details.get(id);
    return detail === undefined ? undefined : { cause: { code: 'item_failed', detail }, isFinal: false };
  };
}

const handled: FailureOf = () => undefined;

/** @param blocked groups whose messages have to wait for an earlier one; what this run blocks is added */
export function judgeRun(
  run: readonly QueueMessage[],
  failureOf: FailureOf,
  policy: RetryPolicy,
  blocked: Set<string>,
  nowMs: number,
  random: Randomness,
): Verdict[] {
  const charged = new Set<string>();
  // One draw for all: what failed together is tried again together.
  const chance = random();
  return run.map((message): Verdict => {
    const { groupKey } = message;
    const failure = failureOf(message);
    if (
      groupKey !== undefined &&
      (blocked.has(groupKey) || (failure !== undefined && charged.has(groupKey)))
    ) {
      blocked.add(groupKey);
      return { kind: 'release', message };
    }
    if (failure === undefined) return { kind: 'done', message };
    const { cause } = failure;
    if (groupKey !== undefined) charged.add(groupKey);
    const next = failure.isFinal
      ? ({ kind: 'dead', because: 'final' } as const)
      : afterFailure(policy, message, nowMs, () => chance);
    if (next.kind === 'dead') return { kind: 'dead', message, cause, because: next.because };
    if (groupKey !== undefined) blocked.add(groupKey);
    return { kind: 'retry', message, atMs: next.atMs, cause };
  });
}
