/** `node host/main.ts` as a child process, as an operator sees it: a terminal, signals and an exit status. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import type { Json } from './host.ts';
import { keepArtifact, lendArtifact } from './lent-artifacts.ts';

const MAIN = fileURLToPath(new URL('../../host/main.ts', import.meta.url));

export interface Exit {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class HostProcess implements AsyncDisposable {
  /** What it printed so far, line by line, on both streams. */
  readonly lines: string[] = [];
  readonly errorLines: string[] = [];
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #dataDir: string;
  readonly #agent = new Agent({ keepAliveTimeout: 1_000, keepAliveMaxTimeout: 1_000 });
  #isGone = false;

  /**
   * Without a port it takes a free one; nothing of the test's own MAYFLY_ variables reaches it. `openFiles` bounds
   * how many files and sockets it may have open.
   */
  constructor(dataDir: string, env: Readonly<Record<string, string>> = {}, openFiles?: number) {
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MAYFLY_'));
    this.#dataDir = dataDir;
    const [program = '', ...args] =
      openFiles === undefined
        ? [process.execPath, MAIN]
        : ['sh', '-c', `ulimit -n ${openFiles}; exec "$0" "$@"`, process.execPath, MAIN];
    this.#child = spawn(program, args, {
      cwd: dataDir,
      env: {
        ...Object.fromEntries(inherited),
        MAYFLY_PORT: '0',
        MAYFLY_THREADS: '2',
        // To load one takes a second of processor time, and nothing here loses a thread.
        MAYFLY_SPARE_THREADS: '0',
        MAYFLY_DATA_DIR: dataDir,
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const read = (stream: NodeJS.ReadableStream | null, lines: string[]): void => {
      createInterface({ input: stream! }).on('line', (line) => {
        lines.push(line);
        this.#child.emit('line');
      });
    };
    read(this.#child.stdout, this.lines);
    read(this.#child.stderr, this.errorLines);
    this.exit = once(this.#child, 'close').then(([status, signal]) => {
      this.#isGone = true;
      this.#child.emit('line');
      return { status, signal } as Exit;
    });
  }

  /** Starts one and waits until it is ready. */
  static async ready(dataDir: string, env: Readonly<Record<string, string>> = {}): Promise<HostProcess> {
    const host = new HostProcess(dataDir, env);
    await host.line(/^Ready/);
    return host;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** `http://127.0.0.1:1234`, once it has printed it. */
  get origin(): string {
    const origin = /listens on (http:\/\/\S+?),/.exec(this.lines.join('\n'))?.[1];
    if (origin === undefined) throw new Error(`the host has not said where it listens:\n${this.output}`);
    return origin;
  }

  get output(): string {
    return [...this.lines, ...this.errorLines].join('\n');
  }

  /** The first line that matches, past or to come. Rejects when the process ends without one. */
  async line(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = [...this.lines, ...this.errorLines].find((line) => pattern.test(line));
      if (found !== undefined) return found;
      if (this.#isGone) throw new Error(`the host ended and never said ${pattern}:\n${this.output}`);
      await once(this.#child, 'line');
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async adminKey(): Promise<string> {
    return (await readFile(join(this.#dataDir, 'admin.key'), 'utf8')).trim();
  }

  async request(
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
  ): Promise<{ status: number; text: string; headers: Record<string, string | string[] | undefined> }> {
    const { statusCode, body, headers } = await request(`${this.origin}${path}`, {
      dispatcher: this.#agent,
      method: (options.method ?? 'GET') as 'GET',
      headers: options.headers ?? {},
      ...(options.body === undefined ? {} : { body: options.body }),
    });
    return { status: statusCode, text: await body.text(), headers };
  }

  /** A request to the API of the tenant `default`, with the stored key. */
  async api(
    path: string,
    options: { method?: string; headers?: Record<string, string>; body?: string | Uint8Array } = {},
  ): Promise<{ status: number; json: Json }> {
    const { status, text } = await this.request(`/v1/tenants/default${path}`, {
      ...options,
      headers: { authorization: `Bearer ${await this.adminKey()}`, ...options.headers },
    });
    return { status, json: text === '' ? undefined : JSON.parse(text) };
  }

  /** Calls a function of that tenant by its URL. */
  call(name: string): ReturnType<HostProcess['request']> {
    return this.request(`/fn/default/${name}/`);
  }

  /** Where another host of this run has published the component, this one finds its artifact there already. */
  async publish(name: string, component: Uint8Array): Promise<{ status: number; json: Json }> {
    await lendArtifact(this.#dataDir, component);
    const answer = await this.upload(name, component);
    if (answer.status < 300) await keepArtifact(this.#dataDir, component);
    return answer;
  }

  /** What the host itself makes of an upload. */
  upload(name: string, component: Uint8Array): Promise<{ status: number; json: Json }> {
    const headers = { 'content-type': 'application/wasm' };
    return this.api(`/functions/${name}`, { method: 'PUT', headers, body: component });
  }

  /** Ends it by force if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
    if (!this.#isGone) this.#child.kill('SIGKILL');
    await this.exit;
  }
}
