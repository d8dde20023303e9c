import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { median } from '../fairness/figures.ts';
import type { ThreadData } from './scaling-thread.ts';

const ROUNDS = 7;

/** Cycles of two threads over those of one, in the same time, round by round. */
export async function measureScaling(data: ThreadData): Promise<number> {
  const url = new URL('./scaling-thread.ts', import.meta.url);
  const threads = [new Worker(url, { workerData: data }), new Worker(url, { workerData: data })];
  try {
    await Promise.all(threads.map((thread) => once(thread, 'message')));
    const ratios: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const alone = await cyclesOf(threads.slice(0, 1));
      ratios.push((await cyclesOf(threads)) / alone);
    }
    return median(ratios);
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

async function cyclesOf(threads: readonly Worker[]): Promise<number> {
  const counts = threads.map((thread) => once(thread, 'message') as Promise<[number]>);
  for (const thread of threads) thread.postMessage('go');
  return (await Promise.all(counts)).reduce((sum, [count]) => sum + count, 0);
}
