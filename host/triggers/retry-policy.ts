/** When a message is tried again, and whether at all. Pure: time and chance come in. */
import type { Randomness } from './ports.ts';

/**
 * How chance spreads a wait of `w`: `full` over 0 to w, `equal` over w/2 to w. Equal never tries again at once; full spreads a crowd best. See
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export type Jitter = 'full' | 'equal';

export interface Backoff {
  /** Wait before the second attempt; each further one waits twice as long. */
  readonly baseMs: number;
  readonly maximumMs: number;
  readonly jitter: Jitter;
}

export interface RetryPolicy extends Backoff {
  /** Attempts at a message, the first included. */
  readonly maximumAttempts: number;
  /** Since it was sent. */
  readonly maximumAgeMs: number;
}

export type NextStep =
  | { readonly kind: 'retry'; readonly atMs: number }
  | { readonly kind: 'dead'; readonly because: 'attempts' | 'age' };

/** @param failures so far, at least 1 */
export function backoffMs(
  { baseMs, maximumMs, jitter }: Backoff,
  failures: number,
  random: Randomness,
): number {
  // 2 ** 1023 is a number yet; more failures wait no longer anyway.
  const waitMs = Math.min(maximumMs, baseMs * 2 ** Math.min(failures - 1, 1_000));
  return Math.round(jitter === 'full' ? waitMs * random() : (waitMs / 2) * (1 + random()));
}

/** For a message whose attempt has failed. A retry that would come too late for its age is none. */
export function afterFailure(
  policy: RetryPolicy,
  { attempts, sentAtMs }: { readonly attempts: number; readonly sentAtMs: number },
  nowMs: number,
  random: Randomness,
): NextStep {
  if (attempts >= policy.maximumAttempts) return { kind: 'dead', because: 'attempts' };
  const atMs = nowMs + backoffMs(policy, attempts, random);
  return atMs - sentAtMs > policy.maximumAgeMs ? { kind: 'dead', because: 'age' } : { kind: 'retry', atMs };
}

/** For a message that has just been claimed, `attempts` with this claim: whether it may not even be tried, and why. */
export function beforeAttempt(
  { maximumAttempts, maximumAgeMs }: RetryPolicy,
  { attempts, sentAtMs }: { readonly attempts: number; readonly sentAtMs: number },
  nowMs: number,
): 'attempts' | 'age' | undefined {
  if (attempts > maximumAttempts) return 'attempts';
  return nowMs - sentAtMs > maximumAgeMs ? 'age' : undefined;
}
