/** jco's unmodified output with jco's own shims, to compare our answers with (oracle-process.ts runs it). */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { exchange, type WireAnswer, type WireRequest } from './wire.ts';

const PROCESS = fileURLToPath(new URL('oracle-process.ts', import.meta.url));

/** An answer of jco takes some 30 ms; one that has not come by then is not coming. */
const LOST_MS = 10_000;

/**
 * An HTTP server that answers each request with a fresh instance of the component. jco's runtime of WASI 0.3 loses an
 * answer now and then, and the shim's server does not go on after that: then the oracle is started again and asked again.
 */
export class Oracle implements AsyncDisposable {
  readonly #component: Uint8Array;
  readonly #kind: '0.2' | '0.3';
  #server: { readonly child: ChildProcess; readonly port: number; readonly folder: string } | undefined;

  constructor(component: Uint8Array, kind: '0.2' | '0.3') {
    this.#component = component;
    this.#kind = kind;
  }

  async ask(request: WireRequest): Promise<WireAnswer> {
    for (let lost = 0; ; lost++) {
      this.#server ??= await this.#start();
      try {
        return await exchange(this.#server.port, request, AbortSignal.timeout(LOST_MS));
      } catch (error) {
        if (lost === 5) throw error;
        await this[Symbol.asyncDispose]();
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server === undefined) return;
    const { child, folder } = this.#server;
    this.#server = undefined;
    await end(child);
    await rm(folder, { recursive: true });
  }

  async #start(): Promise<{ child: ChildProcess; port: number; folder: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-oracle-'));
    const path = join(folder, 'component.wasm');
    await writeFile(path, this.#component);
    const port = await freePort();
    const child = fork(PROCESS, [path, this.#kind, String(port)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const [ready] = await Promise.race([once(child, 'message'), once(child, 'exit')]);
    if (ready !== 'ready') throw new Error(`the oracle did not start: it exited with ${ready}`);
    return { child, port, folder };
  }
}

/** Runs a command once: its standard output. */
export async function runOracle(component: Uint8Array, stdin: Uint8Array): Promise<Buffer> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-oracle-'));
  const path = join(folder, 'component.wasm');
  try {
    await writeFile(path, component);
    const child = spawn(process.execPath, [PROCESS, path, 'command'], { stdio: ['pipe', 'pipe', 'inherit'] });
    child.stdin.end(stdin);
    return await buffer(child.stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Below those that the kernel gives to whoever asks for any, of which other tests ask for thousands (Linux: from 32,768). */
const FIRST_PORT = 20_000 + (process.pid % 10_000);

/** The shim takes a port, but does not tell which one it got. Between the look and its listening nobody takes this one. */
async function freePort(): Promise<number> {
  for (let port = FIRST_PORT; ; port++) {
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
