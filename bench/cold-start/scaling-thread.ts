/** A thread that runs cycles of one guest as fast as it can, for `ThreadData.durationMs`, when it is told to. */
import { parentPort, workerData } from 'node:worker_threads';
import { createMayflyCycle } from './mayfly-cycle.ts';

export interface ThreadData {
  readonly component: Uint8Array;
  readonly durationMs: number;
}

/** What a thread did in its time, and how much of a core it had for that. */
export interface Ran {
  readonly cycles: number;
  readonly cpuMicros: number;
}

const { component, durationMs } = workerData as ThreadData;
const cycle = await createMayflyCycle(component);
for (let warmUp = 0; warmUp < 1_000; warmUp++) await cycle.cycle();
parentPort!.on('message', async () => {
  const endMs = performance.now() + durationMs;
  const before = process.threadCpuUsage();
  let cycles = 0;
  while (performance.now() < endMs) {
    // Some at a time: asking for the time costs as much as a thousandth of a cycle, but not nothing.
    for (let i = 0; i < 16; i++) await cycle.cycle();
    cycles += 16;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.threadCpuUsage(before);
  parentPort!.postMessage({ cycles, cpuMicros: user + system } satisfies Ran);
});
parentPort!.postMessage('ready');
