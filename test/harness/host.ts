/** A real host for a test: its own data folder, a free port on 127.0.0.1, real threads and sockets. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { Agent, request } from 'undici';
import { type HostConfig, resolveConfig } from '../../host/config.ts';
import { type RunningHost, startHost } from '../../host/host.ts';
import { betweenLooks } from './between-looks.ts';
import { keepArtifact, lendArtifact } from './lent-artifacts.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  readonly trailers: Record<string, string>;
}

/** A field that the host adds at the end: in the head of a short answer, after the body of one that had to stream (on a busy machine). */
export function lateField({ headers, trailers }: Answer, name: 'mayfly-fuel' | 'server-timing'): string {
  return String(headers[name] ?? trailers[name]);
}

/** What the call cost. */
export function fuelOf(answer: Answer): string {
  return lateField(answer, 'mayfly-fuel');
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array>;
}

/** What the API answers when it publishes, describes or refuses; tests look at what they need. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads JSON of many shapes
export type Json = any;

export class TestHost {
  readonly config: HostConfig;
  /** What the host told its operator; a test that causes none expects none. */
  readonly reports: string[] = [];
  #running: RunningHost | undefined;
  readonly #agent = new Agent({ connections: 64, keepAliveTimeout: 1_000, keepAliveMaxTimeout: 1_000 });

  constructor(config: HostConfig) {
    this.config = config;
  }

  get origin(): string {
    return this.running.origin;
  }

  get running(): RunningHost {
    if (this.#running === undefined) throw new Error('the host is not running');
    return this.#running;
  }

  async start(): Promise<void> {
    this.#running = await startHost(this.config, (message, error) => {
      this.reports.push(
        `${message} ${error instanceof Error ? (error.stack ?? error.message) : String(error ?? '')}`,
      );
    });
  }

  async stop(): Promise<void> {
    await this.#running?.stop();
    this.#running = undefined;
  }

  async dispose(): Promise<void> {
    await this.#agent.destroy();
    await this.stop();
    await rm(this.config.dataDir, { recursive: true, force: true });
  }

  /** Any request; the body is read as text. */
  async request(path: string, options: CallOptions = {}): Promise<Answer> {
    const { statusCode, headers, body, trailers } = await request(`${this.origin}${path}`, {
      dispatcher: this.#agent,
      method: (options.method ?? 'GET') as 'GET',
      headers: options.headers ?? {},
      ...(options.body === undefined ? {} : { body: options.body as string }),
    });
    const text = await body.text();
    return { status: statusCode, headers, text, trailers: trailers as Record<string, string> };
  }

  /** A request to the API with the admin key, its JSON parsed. */
  async api(path: string, options: CallOptions = {}): Promise<{ status: number; json: Json }> {
    const answer = await this.request(`/v1/tenants/default${path}`, {
      ...options,
      headers: { authorization: `Bearer ${this.running.adminKey.key}`, ...options.headers },
    });
    return { status: answer.status, json: answer.text === '' ? undefined : JSON.parse(answer.text) };
  }

  /** Where another host of this run has published the component, this one finds its artifact there already. */
  async deploy(name: string, component: Uint8Array, configuration?: Json, query = ''): Promise<Json> {
    if (query === '') await lendArtifact(this.config.dataDir, component);
    const { status, json } = await this.api(`/functions/${name}${query}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/wasm' },
      body: component,
    });
    if (status !== 201 && status !== 200)
      throw new Error(`deploy ${name}: ${status} ${JSON.stringify(json)}`);
    if (query === '') await keepArtifact(this.config.dataDir, component);
    if (configuration !== undefined) await this.configure(name, configuration);
    return json;
  }

  async configure(name: string, configuration: Json): Promise<Json> {
    const { status, json } = await this.api(`/functions/${name}/configuration`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(configuration),
    });
    if (status !== 200) throw new Error(`configure ${name}: ${status} ${JSON.stringify(json)}`);
    return json;
  }

  /** Calls the function's URL. */
  call(name: string, path = '/', options: CallOptions = {}): Promise<Answer> {
    return this.request(`/fn/default/${name}${path}`, options);
  }

  /** Calls it and gives the code of the problem it answers with. */
  async failure(name: string, path = '/', options: CallOptions = {}): Promise<string> {
    const answer = await this.call(name, path, options);
    if (answer.headers['content-type'] !== 'application/problem+json') {
      throw new Error(`expected a problem, got ${answer.status} ${answer.text.slice(0, 500)}`);
    }
    return JSON.parse(answer.text).code;
  }

  /** Log messages of a function, once there are at least `count`. */
  async logs(name: string, count: number): Promise<string[]> {
    for (;;) {
      const { json } = await this.api(`/functions/${name}/logs?limit=1000`);
      const messages = (Array.isArray(json) ? json : json.records).map((record: Json) => record.message);
      if (messages.length >= count) return messages;
      await betweenLooks();
    }
  }
}

export interface TestHostOptions {
  readonly env?: Record<string, string>;
}

/** A host for a whole test file: start it in `test.before`, dispose of it in `test.after.always`. */
export async function startTestHost(options: TestHostOptions = {}): Promise<TestHost> {
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-test-'));
  const env = {
    MAYFLY_PORT: '0',
    MAYFLY_THREADS: '2',
    // To load one takes a second of processor time, and few tests lose a thread.
    MAYFLY_SPARE_THREADS: '0',
    MAYFLY_DATA_DIR: dataDir,
    ...options.env,
  };
  const host = new TestHost(resolveConfig(env, dataDir));
  await host.start();
  return host;
}

/** A host for one test, gone with it. What it reported to its operator is shown if the test fails. */
export async function testHost(
  t: ExecutionContext<unknown>,
  options: TestHostOptions = {},
): Promise<TestHost> {
  const host = await startTestHost(options);
  t.teardown(() => {
    for (const report of host.reports) t.log(report);
    return host.dispose();
  });
  return host;
}
