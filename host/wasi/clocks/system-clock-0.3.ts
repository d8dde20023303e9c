import type { WasiContext } from '../context.ts';
import { toDatetime } from './wall-clock.ts';

/** `wasi:clocks/system-clock` (WASI 0.3): what 0.2 calls the wall clock. */
export function createSystemClock03(context: WasiContext) {
  return { now: () => toDatetime(context.clock.wallNs()), getResolution: () => 1_000_000n };
}
