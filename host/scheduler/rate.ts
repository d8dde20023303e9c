/**
 * The generic cell rate algorithm (ITU-T I.371): a token bucket whose whole state is one number, the time in ms at
 * which it will be full again. It is exact: of any interval of t ms it lets through `burst` plus t times the rate.
 */

export interface Rate {
  readonly perSecond: number;
  /** How much may come at once after a pause; at least 1. */
  readonly burst: number;
}

/** Ten billionths of a second: what adding intervals as floating point numbers may be off by. */
const ROUNDING_MS = 1e-5;

/** How long to wait until `cost` more fits; 0 or less when it does now. */
export function waitMs({ perSecond, burst }: Rate, fullAtMs: number, nowMs: number, cost: number): number {
  if (perSecond === 0) return Number.POSITIVE_INFINITY;
  const aheadMs = Math.max(0, fullAtMs - nowMs);
  const wait = aheadMs - ((burst - cost) / perSecond) * 1_000;
  return wait <= ROUNDING_MS ? 0 : wait;
}

/** The state after `cost` was taken, whether or not it fitted. */
export function taken({ perSecond }: Rate, fullAtMs: number, nowMs: number, cost: number): number {
  return Math.max(fullAtMs, nowMs) + (cost / perSecond) * 1_000;
}
