/** A server under test: a process that is started, said to be ready by itself, measured, and ended by its id. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Readable } from 'node:stream';

/** Transpiling 13 MB takes some seconds on a busy machine. */
const START_MS = 120_000;

export interface ServerCommand {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What it says when it listens, on any of its outputs or on file descriptor 3; the port, where it says it. */
  readonly ready: RegExp;
}

export class ServerProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  /** The text that matched `ready`. */
  readonly said: RegExpExecArray;

  private constructor(child: ChildProcess, said: RegExpExecArray) {
    this.#child = child;
    this.said = said;
  }

  static async start({ program, args, cwd, env, ready }: ServerCommand): Promise<ServerProcess> {
    const child = spawn(program, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    });
    let output = '';
    const said = await new Promise<RegExpExecArray>((resolve, reject) => {
      const late = setTimeout(() => fail('is not ready in time'), START_MS);
      const fail = (why: string): void => {
        clearTimeout(late);
        child.kill('SIGKILL');
        reject(new Error(`${program} ${why}: ${output.slice(-2_000)}`));
      };
      child.once('error', (error) => fail(error.message));
      child.once('exit', (status) => fail(`ended with status ${status}`));
      for (const stream of [child.stdout, child.stderr, child.stdio[3]]) {
        (stream as Readable).setEncoding('utf8').on('data', (text: string) => {
          // Read to the end, or it would block on a full pipe; kept only until it is ready.
          if (output.length > 100_000) return;
          output += text;
          const match = ready.exec(output);
          if (match === null) return;
          clearTimeout(late);
          child.removeAllListeners('exit');
          resolve(match);
        });
      }
    });
    return new ServerProcess(child, said);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Processor time that the process used so far, over all its threads (Linux: proc(5)); NaN elsewhere. */
  cpuMicros(): number {
    try {
      const tasks = readdirSync(`/proc/${this.pid}/task`);
      const nanos = tasks.map((task) =>
        Number(readFileSync(`/proc/${this.pid}/task/${task}/schedstat`, 'utf8').split(' ')[0]),
      );
      return nanos.reduce((sum, value) => sum + value, 0) / 1_000;
    } catch {
      return Number.NaN;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}

/** Ours, without settings of a host that may run beside. */
function environment(): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('MAYFLY_')));
}

/** For servers that do not say which port they got. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
