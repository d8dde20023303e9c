import type { WasiContext } from '../context.ts';
import { toDatetime } from './wall-clock.ts';

/** `wasi:clocks/system-clock` (WASI 0.3): what 0.2 calls the wall clock. */
export function createSystemClock03(context: WasiContext) {
  const { clock } = context;
  return { now: () => toDatetime(clock.wallNs()), getResolution: () => clock.wallResolutionNs };
}
