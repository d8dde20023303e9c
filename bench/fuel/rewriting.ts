import { meterModule } from './guest-program.ts';

/** What metering does to one module. */
export interface Rewriting {
  readonly bytes: number;
  readonly meteredBytes: number;
  /** Fastest of the runs, the engine's validation included. */
  readonly millis: number;
}

/** Meters a module until at least `millis` have passed; the fastest run counts, the others warm up. */
export function measureRewriting(bytes: Uint8Array, millis: number): Rewriting {
  const until = performance.now() + millis;
  let fastest = Number.POSITIVE_INFINITY;
  let meteredBytes = 0;
  do {
    const start = performance.now();
    meteredBytes = meterModule(bytes).length;
    fastest = Math.min(fastest, performance.now() - start);
  } while (performance.now() < until);
  return { bytes: bytes.length, meteredBytes, millis: fastest };
}
