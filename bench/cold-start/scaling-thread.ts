/** A thread that runs cycles of one guest as fast as it can, for `ThreadData.durationMs`, when it is told to. */
import { parentPort, workerData } from 'node:worker_threads';
import type { GuestName } from '../throughput/guests.ts';
import { createMayflyCycle } from './mayfly-cycle.ts';

export interface ThreadData {
  readonly guest: GuestName;
  readonly component: Uint8Array;
  readonly durationMs: number;
}

const { guest, component, durationMs } = workerData as ThreadData;
const cycle = await createMayflyCycle(guest, component);
if (cycle === undefined) throw new Error('there is no engine to measure');
for (let warmUp = 0; warmUp < 1_000; warmUp++) await cycle.cycle();
parentPort!.on('message', async () => {
  const endMs = performance.now() + durationMs;
  let cycles = 0;
  while (performance.now() < endMs) {
    // Some at a time: asking for the time costs as much as a thousandth of a cycle, but not nothing.
    for (let i = 0; i < 16; i++) await cycle.cycle();
    cycles += 16;
  }
  parentPort!.postMessage(cycles);
});
parentPort!.postMessage('ready');
