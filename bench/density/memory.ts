import { readFile } from 'node:fs/promises';

/** Between two looks at memory that may still be given back. */
const LOOK_MS = 1_000;
/** Looks in a row without less than before, by a percent, after which nothing more is expected: a heap is idle after a minute (host/heap-policy.ts). */
const STEADY_LOOKS = 75;
/** Four minutes: what has not been given back by then counts. */
const MOST_LOOKS = 240;

/**
 * Bytes of memory that a process has to itself, with its share of what it shares (Linux: proc(5), Pss). Right after work
 * much of it is garbage, which an idle process collects by and by: the figure is taken when it falls no more.
 */
export async function settledBytes(pid: number): Promise<number> {
  let least = await proportionalBytes(pid);
  for (let look = 0, steady = 0; look < MOST_LOOKS && steady < STEADY_LOOKS; look++) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const bytes = await proportionalBytes(pid);
    steady = bytes < least * 0.99 ? 0 : steady + 1;
    least = Math.min(least, bytes);
  }
  return least;
}

async function proportionalBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = /^Pss: +(\d+) kB$/m.exec(text)?.[1];
  if (kilobytes === undefined) throw new Error('the kernel does not say how much memory a process takes');
  return Number(kilobytes) * 1_024;
}
