/**
 * Thread entry inside the publishing process: ends the process when it holds too much memory, or when the
 * host died, even while the main thread is deep in a tool and answers nobody.
 *
 * Wasm memories of the tools are outside of V8's heap, so no flag of V8's bounds them; resident memory is what the
 * machine runs out of. A look costs 10 µs.
 */
import { workerData } from 'node:worker_threads';
import { MEMORY_EXCEEDED_SIGNAL, type WatchdogData } from './watchdog-data.ts';

/** A tool that allocates 2 GB/s gets 40 MB further than it may. */
const INTERVAL_MS = 20;

const { limitBytes, busy } = workerData as WatchdogData;
const parent = process.ppid;

for (;;) {
  if (Atomics.load(busy, 0) === 0) Atomics.wait(busy, 0, 0);
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
  if (process.memoryUsage.rss() > limitBytes) process.kill(process.pid, MEMORY_EXCEEDED_SIGNAL);
  Atomics.wait(busy, 0, 1, INTERVAL_MS);
}
