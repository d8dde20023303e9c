import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('./receiver-process.ts', import.meta.url));

export interface Received {
  readonly exports: number;
  readonly bytes: number;
  /** Processor time of the receiver, its start included. */
  readonly cpuMillis: number;
}

/** Where hosts send their telemetry, in a process of its own. */
export class Receiver implements AsyncDisposable {
  readonly origin: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.origin = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Receiver> {
    const child = fork(PROCESS, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const [{ port }] = (await once(child, 'message')) as [{ port: number }];
    return new Receiver(child, port);
  }

  async received(): Promise<Received> {
    this.#child.send('counts');
    const [counts] = (await once(this.#child, 'message')) as [Received];
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
