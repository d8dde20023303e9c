import { hrtime } from 'node:process';
import type { Clock } from '../context.ts';

/** Looked up once: the global `process` is a getter, and a hello of StarlingMonkey asks for the time eighteen times. */
const nowNs = hrtime.bigint;

const NS_PER_MS = 1_000_000n;
/** Node's timers end at 2^31-1 ms; longer sleeps take several. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The machine's clocks. The monotonic one starts at 0 with the object: how long the machine runs is nobody's business. */
export class SystemClock implements Clock {
  /** What a guest can tell apart: Node's timers count milliseconds, its clock nanoseconds. */
  readonly monotonicResolutionNs = 1n;
  /** Node reads the wall clock in milliseconds. */
  readonly wallResolutionNs: bigint = NS_PER_MS;
  readonly #startNs = nowNs();

  wallNs(): bigint {
    return BigInt(Date.now()) * NS_PER_MS;
  }

  monotonicNs(): bigint {
    return nowNs() - this.#startNs;
  }

  sleepUntil(monotonicNs: bigint, signal: AbortSignal): Promise<void> {
    return new Promise<void>((resolve) => {
      if (signal.aborted) return;
      let timer: NodeJS.Timeout | undefined;
      const cancel = (): void => clearTimeout(timer);
      const wakeOrSleep = (): void => {
        const remainingNs = monotonicNs - this.monotonicNs();
        if (remainingNs <= 0n) {
          signal.removeEventListener('abort', cancel);
          resolve();
          return;
        }
        // Rounded up: a timer that fires early would only be set again.
        const remainingMs = (remainingNs + NS_PER_MS - 1n) / NS_PER_MS;
        timer = setTimeout(wakeOrSleep, remainingMs > MAX_TIMER_MS ? MAX_TIMER_MS : Number(remainingMs));
      };
      signal.addEventListener('abort', cancel, { once: true });
      wakeOrSleep();
    });
  }
}
