/**
 * What becomes of the messages of a claim before anything runs, and which of them run together. Pure.
 *
 * An engine hands out what is ready, new messages and such that failed before in one claim. So batches are halved here: a claim is cut
 * into runs, and those whose attempts are the same run together, in smaller runs the more attempts they had. With
 * `bisectBatchOnError` the last attempt of a message is one of its own, whatever `batchSize` is: none becomes a dead letter for what
 * another one did.
 *
 * 1. A run has messages of one group in the order of the claim, and none in an earlier run than one before it.
 * 2. A message that failed before has none of its group behind it in its run: whether it was to blame shows at once.
 */
import type { QueueMessage } from '../model/queue-message.ts';
import { matchFilters } from './filter-match.ts';
import type { FilterPattern } from './filter-pattern.ts';
import { beforeAttempt, type RetryPolicy } from './retry-policy.ts';

export interface PlanSettings {
  readonly batchSize: number;
  readonly bisectBatchOnError: boolean;
  readonly filters: readonly FilterPattern[];
  readonly retry: RetryPolicy;
}

export type Untried = 'attempts' | 'age' | 'filter';

export interface ClaimPlan {
  /** Dead without being tried. */
  readonly untried: readonly { readonly message: QueueMessage; readonly because: Untried }[];
  /** Not for the function. */
  readonly filtered: readonly QueueMessage[];
  /** To run one after the other. */
  readonly runs: readonly (readonly QueueMessage[])[];
}

export function planClaim(
  messages: readonly QueueMessage[],
  settings: PlanSettings,
  nowMs: number,
): ClaimPlan {
  const untried: { message: QueueMessage; because: Untried }[] = [];
  const filtered: QueueMessage[] = [];
  const wanted: QueueMessage[] = [];
  for (const message of messages) {
    const because = beforeAttempt(settings.retry, message, nowMs);
    if (because !== undefined) {
      untried.push({ message, because });
      continue;
    }
    const verdict = matchFilters(settings.filters, message);
    if (verdict === 'match') wanted.push(message);
    else if (verdict === 'no-match') filtered.push(message);
    else untried.push({ message, because: 'filter' });
  }
  return { untried, filtered, runs: cutIntoRuns(wanted, settings) };
}

function cutIntoRuns(messages: readonly QueueMessage[], settings: PlanSettings): QueueMessage[][] {
  const runs: QueueMessage[][] = [];
  /** The run that takes further messages of so many attempts. */
  const open = new Map<number, number>();
  /** The first run in which the next message of a group may be. */
  const earliest = new Map<string, number>();
  for (const message of messages) {
    const { groupKey, attempts } = message;
    const kind = settings.bisectBatchOnError ? attempts : 0;
    const from = groupKey === undefined ? 0 : (earliest.get(groupKey) ?? 0);
    let at = open.get(kind);
    if (at === undefined || at < from || runs[at]!.length >= runLength(attempts, settings)) {
      at = runs.push([]) - 1;
      open.set(kind, at);
    }
    runs[at]!.push(message);
    if (groupKey !== undefined) earliest.set(groupKey, attempts > 1 ? at + 1 : at);
  }
  return runs;
}

/**
 * How many messages may run together at their `attempts`-th attempt: half as many as at the one before, and fewer where there are too few
 * attempts to halve down to one: 1,000, 177, 31, 5, 1 for five of them.
 */
export function runLength(attempts: number, { batchSize, bisectBatchOnError, retry }: PlanSettings): number {
  if (!bisectBatchOnError || attempts <= 1) return batchSize;
  const halved = batchSize / 2 ** (attempts - 1);
  const spread = batchSize ** ((retry.maximumAttempts - attempts) / (retry.maximumAttempts - 1));
  return Math.max(1, Math.floor(Math.min(halved, spread)));
}
