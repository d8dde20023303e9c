import type { WasiContext } from '../context.ts';

const NS_PER_SECOND = 1_000_000_000n;

/** `wasi:clocks/wall-clock#datetime` (WASI 0.2). */
export interface Datetime {
  readonly seconds: bigint;
  /** Below 10^9. */
  readonly nanoseconds: number;
}

/** From nanoseconds since the Unix epoch, which must not lie before it. */
export function toDatetime(wallNs: bigint): Datetime {
  return { seconds: wallNs / NS_PER_SECOND, nanoseconds: Number(wallNs % NS_PER_SECOND) };
}

/** Node reads the wall clock in milliseconds. */
const RESOLUTION: Datetime = { seconds: 0n, nanoseconds: 1_000_000 };

/** `wasi:clocks/wall-clock` (WASI 0.2). */
export function createWallClock(context: WasiContext) {
  return { now: () => toDatetime(context.clock.wallNs()), resolution: () => RESOLUTION };
}
