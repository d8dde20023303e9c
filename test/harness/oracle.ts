/** jco's unmodified output with jco's own shims, to compare our answers with (oracle-process.ts runs it). */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const PROCESS = fileURLToPath(new URL('oracle-process.ts', import.meta.url));

export interface Oracle extends AsyncDisposable {
  readonly port: number;
}

/** An HTTP server that answers each request with a fresh instance of the component. */
export async function startOracle(component: Uint8Array, kind: '0.2' | '0.3'): Promise<Oracle> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-oracle-'));
  const path = join(folder, 'component.wasm');
  await writeFile(path, component);
  const port = await freePort();
  const child = fork(PROCESS, [path, kind, String(port)], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  const stderr = buffer(child.stderr!);
  const ready = await Promise.race([once(child, 'message'), once(child, 'exit')]);
  if (ready[0] !== 'ready') throw new Error(`the oracle did not start: ${await stderr}`);
  return {
    port,
    async [Symbol.asyncDispose]() {
      await end(child);
      await rm(folder, { recursive: true });
    },
  };
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

/** The shim takes a port, but does not tell which one it got. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
