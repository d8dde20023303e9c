import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../guest-sdk/cli/main.ts', import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly stdoutBytes: Buffer;
}

export interface RunOptions {
  readonly env?: Record<string, string>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
}

/** Starts `node <args>` with an environment that knows nothing of the machine's own hosts. */
export function startNode(args: readonly string[], { env = {}, cwd }: RunOptions = {}): ChildProcess {
  // The cache of compiled modules (test/run.ts) halves what it takes to start.
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE = '' } = process.env;
  return spawn(process.execPath, args, {
    env: { PATH, HOME, NODE_COMPILE_CACHE, NODE_NO_WARNINGS: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  });
}

export async function finished(child: ChildProcess): Promise<Finished> {
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
  const { promise, resolve, reject } = Promise.withResolvers<number | null>();
  child.on('error', reject);
  child.on('close', resolve);
  const code = await promise;
  const stdoutBytes = Buffer.concat(stdout);
  return { code, stdoutBytes, stdout: stdoutBytes.toString(), stderr: Buffer.concat(stderr).toString() };
}

export function startMayfly(args: readonly string[], options: RunOptions = {}): ChildProcess {
  return startNode([MAIN, ...args], options);
}

export async function mayfly(args: readonly string[], options: RunOptions = {}): Promise<Finished> {
  const child = startMayfly(args, options);
  child.stdin?.end(options.input ?? '');
  return finished(child);
}
