import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from './server-process.ts';

const MAIN = fileURLToPath(new URL('../../host/main.ts', import.meta.url));

/** A host as an operator starts it, with a data folder that goes when it does. */
export class MayflyProcess implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly port: number;
  readonly #key: string;
  readonly #dataDir: string;

  private constructor(server: ServerProcess, key: string, dataDir: string) {
    this.server = server;
    this.port = Number(server.said[1]);
    this.#key = key;
    this.#dataDir = dataDir;
  }

  /** @param nodeArgs options of Node itself, such as `--cpu-prof` */
  static async start(
    env: Readonly<Record<string, string>>,
    nodeArgs: readonly string[] = [],
  ): Promise<MayflyProcess> {
    const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
    const key = randomBytes(24).toString('hex');
    const server = await ServerProcess.start({
      program: process.execPath,
      args: [...nodeArgs, MAIN],
      env: {
        MAYFLY_PORT: '0',
        MAYFLY_EXAMPLES: '0',
        MAYFLY_DATA_DIR: dataDir,
        MAYFLY_ADMIN_KEY: key,
        ...env,
      },
      ready: /http:\/\/127\.0\.0\.1:(\d+)[\s\S]*Ready/,
    });
    return new MayflyProcess(server, key, dataDir);
  }

  /** Gives the path of its URL. */
  async deploy(name: string, component: Uint8Array): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/v1/tenants/default/functions/${name}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/wasm' },
      body: component as Uint8Array<ArrayBuffer>,
    });
    if (answer.status !== 201) throw new Error(`${name}: ${answer.status} ${await answer.text()}`);
    await answer.body?.cancel();
    return `/fn/default/${name}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
