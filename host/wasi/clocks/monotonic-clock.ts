import type { WasiContext } from '../context.ts';
import { Handles } from '../io/handles.ts';
import { Pollable } from '../io/poll.ts';
import { Sleeps } from './sleeps.ts';

const MAX_U64 = 2n ** 64n - 1n;

/** `wasi:clocks/monotonic-clock` (WASI 0.2). */
export function createMonotonicClock(context: WasiContext) {
  const { clock } = context;
  let sleeps: Sleeps | undefined;

  /** The timer starts when somebody waits, and stops when the pollable is dropped. */
  function subscribeInstant(whenNs: bigint): Pollable {
    let sleep: { readonly over: Promise<void>; cancel(): void } | undefined;
    return Pollable.from(
      () => clock.monotonicNs() >= whenNs,
      () => {
        sleeps ??= new Sleeps(context);
        sleep = sleeps.start(whenNs);
        return sleep.over;
      },
      Handles.of(context),
      () => sleep?.cancel(),
    );
  }

  return {
    now: () => clock.monotonicNs(),
    resolution: () => clock.monotonicResolutionNs,
    subscribeInstant,
    subscribeDuration: (durationNs: bigint) => {
      const whenNs = clock.monotonicNs() + durationNs;
      return subscribeInstant(whenNs > MAX_U64 ? MAX_U64 : whenNs);
    },
  };
}
