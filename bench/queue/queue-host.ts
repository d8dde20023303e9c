/** A real host, in a process of its own, and what a bench does to its queues through its API. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { ServerProcess } from '../throughput/server-process.ts';

const MAIN = fileURLToPath(new URL('../../host/main.ts', import.meta.url));

/** Messages of one request, the most that it takes. */
const FILL = 1_000;
/** How often it is asked how far it is. */
const POLL_MS = 20;
/** Batches in work at a time: 100 wait for the syncs of Redis' file, 400 bring nothing more. BullMQ has its best of five. */
const CONCURRENCY = 200;

/** 100 bytes. Its first letter tells the hand-written guest that all is done. */
export const BODY: string = 'k'.repeat(100);

export interface Drained {
  readonly elapsedMs: number;
  /** Of all threads of the host. */
  readonly cpuMicros: number;
  readonly messages: number;
}

const JSON_TYPE = { 'content-type': 'application/json' };
const MESSAGES_TYPE = { 'content-type': 'application/vnd.mayfly.messages+json' };

// biome-ignore lint/suspicious/noExplicitAny: JSON of many shapes
type Json = any;

export class QueueHost implements AsyncDisposable {
  readonly #server: ServerProcess;
  readonly #key: string;
  readonly #folder: string;
  readonly #agent = new Agent({ connections: 64 });

  private constructor(server: ServerProcess, key: string, folder: string) {
    this.#server = server;
    this.#key = key;
    this.#folder = folder;
  }

  static async start(env: Readonly<Record<string, string>>): Promise<QueueHost> {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-queue-'));
    const key = randomBytes(24).toString('hex');
    const common = { MAYFLY_PORT: '0', MAYFLY_EXAMPLES: '0', MAYFLY_DATA_DIR: folder, MAYFLY_ADMIN_KEY: key };
    const server = await ServerProcess.start({
      program: process.execPath,
      args: [...process.execArgv, MAIN],
      env: { ...common, ...env },
      ready: /http:\/\/127\.0\.0\.1:(\d+)[\s\S]*Ready/,
    });
    return new QueueHost(server, key, folder);
  }

  async api(
    method: string,
    path: string,
    body?: string | Uint8Array,
    headers: Readonly<Record<string, string>> = JSON_TYPE,
  ): Promise<Json> {
    const answer = await request(`http://127.0.0.1:${this.#server.said[1]}/v1/tenants/default${path}`, {
      dispatcher: this.#agent,
      method: method as 'GET',
      headers: { authorization: `Bearer ${this.#key}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  /** A function, and a queue of the same name that it handles in batches of 10 when it is let. */
  async prepare(name: string, component: Uint8Array, configuration: object = {}): Promise<void> {
    await this.api('PUT', `/functions/${name}`, component, { 'content-type': 'application/wasm' });
    await this.api(
      'PATCH',
      `/functions/${name}/configuration`,
      JSON.stringify({ concurrency: CONCURRENCY, ...configuration }),
    );
    await this.api('PUT', `/queues/${name}`, '{}');
    const source = { type: 'queue', queue: name };
    const mapping = {
      source,
      function: name,
      batchSize: 10,
      maximumConcurrency: CONCURRENCY,
      enabled: false,
    };
    await this.api('PUT', `/event-source-mappings/${name}`, JSON.stringify(mapping));
  }

  async fill(queue: string, count: number): Promise<void> {
    let left = count;
    const sender = async (): Promise<void> => {
      while (left > 0) {
        const length = Math.min(FILL, left);
        left -= length;
        const messages = Array.from({ length }, () => ({ body: BODY }));
        const body = JSON.stringify({ messages });
        await this.api('POST', `/queues/${queue}/messages`, body, MESSAGES_TYPE);
      }
    };
    await Promise.all(Array.from({ length: 4 }, sender));
  }

  async invokeAsync(name: string, event: string): Promise<void> {
    await this.api('POST', `/functions/${name}/invocations`, event, { 'mayfly-invocation-type': 'Event' });
  }

  setEnabled(name: string, enabled: boolean): Promise<Json> {
    return this.#configure(name, { enabled });
  }

  /** Batches in work at a time. */
  setConcurrency(name: string, maximumConcurrency: number): Promise<Json> {
    return this.#configure(name, { maximumConcurrency });
  }

  #configure(mapping: string, settings: object): Promise<Json> {
    return this.api('PATCH', `/event-source-mappings/${mapping}`, JSON.stringify(settings));
  }

  /** Lets it handle so many messages, and stops it. Begins with the mapping stopped. */
  async drain(name: string, count: number): Promise<Drained> {
    const handled = async (): Promise<number> =>
      (await this.api('GET', `/event-source-mappings/${name}`)).status.counts.succeeded as number;
    const before = await handled();
    const cpu = this.#server.cpuMicros();
    const startMs = performance.now();
    await this.setEnabled(name, true);
    let now = before;
    for (;;) {
      now = await handled();
      if (now - before >= count) break;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const elapsedMs = performance.now() - startMs;
    const cpuMicros = this.#server.cpuMicros() - cpu;
    await this.setEnabled(name, false);
    return { elapsedMs, cpuMicros, messages: now - before };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
    await this.#server[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
