import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from './server-process.ts';

const MAIN = fileURLToPath(new URL('../../host/main.ts', import.meta.url));

/** A host as an operator starts it, with a data folder that goes when it does, unless the folder was given. */
export class MayflyProcess implements AsyncDisposable {
  readonly server: ServerProcess;
  readonly port: number;
  readonly #key: string;
  readonly #ownedDir: string | undefined;

  private constructor(server: ServerProcess, key: string, ownedDir: string | undefined) {
    this.server = server;
    this.port = Number(server.said[1]);
    this.#key = key;
    this.#ownedDir = ownedDir;
  }

  static async start(
    env: Readonly<Record<string, string>>,
    givenDir: string | undefined = undefined,
  ): Promise<MayflyProcess> {
    const dataDir = givenDir ?? (await mkdtemp(join(tmpdir(), 'mayfly-bench-')));
    const key = randomBytes(24).toString('hex');
    const server = await ServerProcess.start({
      program: process.execPath,
      args: [MAIN],
      env: {
        MAYFLY_PORT: '0',
        MAYFLY_EXAMPLES: '0',
        MAYFLY_DATA_DIR: dataDir,
        MAYFLY_ADMIN_KEY: key,
        ...env,
      },
      ready: /http:\/\/127\.0\.0\.1:(\d+)[\s\S]*Ready/,
    });
    return new MayflyProcess(server, key, givenDir === undefined ? dataDir : undefined);
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

  /** What it tells at `/metrics`. */
  async metrics(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.port}/metrics`, {
      headers: { authorization: `Bearer ${this.#key}` },
    });
    if (!answer.ok) throw new Error(`/metrics: ${answer.status} ${await answer.text()}`);
    return answer.text();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    if (this.#ownedDir !== undefined) await rm(this.#ownedDir, { recursive: true, force: true });
  }
}
