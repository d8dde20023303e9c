import type { WasiContext } from '../context.ts';

const NS_PER_SECOND = 1_000_000_000n;

/** `wasi:clocks/wall-clock#datetime` (WASI 0.2). */
export interface Datetime {
  readonly seconds: bigint;
  /** Below 10^9. */
  readonly nanoseconds: number;
}

/** From nanoseconds, at least 0: since the Unix epoch, or of a length of time. */
export function toDatetime(wallNs: bigint): Datetime {
  return { seconds: wallNs / NS_PER_SECOND, nanoseconds: Number(wallNs % NS_PER_SECOND) };
}

/** `wasi:clocks/wall-clock` (WASI 0.2). */
export function createWallClock(context: WasiContext) {
  const { clock } = context;
  return {
    now: () => toDatetime(clock.wallNs()),
    resolution: () => toDatetime(clock.wallResolutionNs),
  };
}
