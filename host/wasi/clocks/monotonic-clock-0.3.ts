import type { WasiContext } from '../context.ts';
import { Sleeps } from './sleeps.ts';

/** `wasi:clocks/monotonic-clock` (WASI 0.3). */
export function createMonotonicClock03(context: WasiContext) {
  const { clock } = context;
  let sleeps: Sleeps | undefined;

  function waitUntil(whenNs: bigint): Promise<void> {
    if (clock.monotonicNs() >= whenNs) return Promise.resolve();
    sleeps ??= new Sleeps(context);
    return sleeps.start(whenNs).over;
  }

  return {
    now: () => clock.monotonicNs(),
    getResolution: () => clock.monotonicResolutionNs,
    waitUntil,
    waitFor: (durationNs: bigint) => waitUntil(clock.monotonicNs() + durationNs),
  };
}
