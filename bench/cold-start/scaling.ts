import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { median } from '../fairness/figures.ts';
import type { Ran, ThreadData } from './scaling-thread.ts';

const ROUNDS = 7;

/**
 * Cycles of two threads over those of one, in the same time, round by round (`scaling`). Where the machine has other work,
 * two threads get less than two cores: `scaling_cpu` compares cycles per second of processor time instead, which shows
 * caches, locks and interrupts that threads share, and nothing of what they wait for.
 */
export async function measureScaling(data: ThreadData): Promise<{ scaling: number; scaling_cpu: number }> {
  const url = new URL('./scaling-thread.ts', import.meta.url);
  const threads = [new Worker(url, { workerData: data }), new Worker(url, { workerData: data })];
  try {
    await Promise.all(threads.map((thread) => once(thread, 'message')));
    const [wall, cpu]: [number[], number[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      // Alone in turn, too: one of them may be on the core that has more of other work.
      const [alone] = await run([threads[round % 2]!]);
      const both = await run(threads);
      wall.push(both.reduce((sum, { cycles }) => sum + cycles, 0) / alone!.cycles);
      cpu.push(both.reduce((sum, ran) => sum + speed(ran), 0) / speed(alone!));
    }
    return { scaling: median(wall), scaling_cpu: median(cpu) };
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
}

function speed({ cycles, cpuMicros }: Ran): number {
  return cycles / cpuMicros;
}

async function run(threads: readonly Worker[]): Promise<readonly Ran[]> {
  const answers = threads.map((thread) => once(thread, 'message') as Promise<[Ran]>);
  for (const thread of threads) thread.postMessage('go');
  return (await Promise.all(answers)).map(([ran]) => ran);
}
