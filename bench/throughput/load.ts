import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Histogram } from '../latency/histogram.ts';
import type { LoadOrder, LoadResult } from './load-messages.ts';

const PROCESS = fileURLToPath(new URL('./load-process.ts', import.meta.url));

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  readonly histogram: Histogram;
  readonly cpuMicros: number;
}

/** The process that makes the load, one for all servers. */
export class LoadGenerator implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<LoadGenerator> {
    const child = fork(PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    await once(child, 'message');
    return new LoadGenerator(child);
  }

  /** @throws Error if an answer is missing, or is not what was expected */
  async run(order: LoadOrder): Promise<Load> {
    const [result] = await new Promise<[LoadResult]>((resolve, reject) => {
      const exited = (): void => reject(new Error('the load generator ended'));
      this.#child.once('exit', exited);
      this.#child.once('message', (message) => {
        this.#child.off('exit', exited);
        resolve([message as LoadResult]);
      });
      this.#child.send(order);
    });
    if (result.kind === 'failed') throw new Error(result.message);
    const { requests, seconds, counts, cpuMicros } = result;
    return { requests, seconds, histogram: new Histogram(counts), cpuMicros };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
