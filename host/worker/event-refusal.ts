import { type ErrorCode, toErrorMessage } from '../errors/errors.ts';
import type { EventOutcome } from '../model/event-invocation.ts';

/** When a place becomes free nobody knows; most invocations take milliseconds, and asking costs microseconds. */
const PLACE_RETRY_MS = 50;

/** However far away the end of a month is: an operator may raise a quota before. */
const LONGEST_RETRY_MS = 60_000;

const RETRY_MS: Readonly<Partial<Record<ErrorCode, number>>> = {
  host_busy: PLACE_RETRY_MS,
  too_many_invocations: PLACE_RETRY_MS,
  // Another thread is started within half a second.
  worker_lost: 500,
  draining: 1_000,
  artifact_unavailable: 5_000,
  // Until the month ends, or somebody raises the budget.
  budget_exhausted: LONGEST_RETRY_MS,
  // Until somebody deploys, or lifts the quarantine.
  function_not_found: 10_000,
  function_quarantined: 10_000,
};

/** Of what is in no list: the host's own faults. */
const OTHER_RETRY_MS = 5_000;

/** The outcome of an invocation that could not begin. */
export function refusedEvent(error: unknown, nowMs: number): EventOutcome & { readonly kind: 'refused' } {
  const { code, detail, quota } = toErrorMessage(error);
  let retryAfterMs = RETRY_MS[code] ?? OTHER_RETRY_MS;
  if (code === 'quota_exceeded' && quota !== undefined) {
    // A quota without a window is one of places.
    retryAfterMs = quota.windowSeconds === undefined ? PLACE_RETRY_MS : (quota.resetAtMs ?? nowMs) - nowMs;
  }
  return {
    kind: 'refused',
    cause: { code, detail },
    retryAfterMs: Math.min(Math.max(Math.ceil(retryAfterMs), 1), LONGEST_RETRY_MS),
  };
}
