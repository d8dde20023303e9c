import type { ConsumerStatus } from '../model/consumer-status.ts';

/** Messages, since the host has started; kept by whoever makes consumers, so that they outlive one. */
export interface ConsumerCounts {
  done: number;
  filtered: number;
  retried: number;
  dead: number;
}

export function noCounts(): ConsumerCounts {
  return { done: 0, filtered: 0, retried: 0, dead: 0 };
}

export function statusOf(
  state: ConsumerStatus['state'],
  { done, retried, dead, filtered }: ConsumerCounts,
  inFlight = 0,
): ConsumerStatus {
  return { state, inFlight, counts: { succeeded: done, retried, dead, filtered } };
}
