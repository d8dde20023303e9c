/** Prometheus' own server, from Debian, on loopback: it scrapes a host and answers queries. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Json } from './host.ts';

export interface PrometheusOptions {
  /** Host and port that are scraped. */
  readonly target: string;
  readonly token: string;
  readonly rules: string;
}

export class Prometheus implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #origin: string;

  private constructor(child: ChildProcess, folder: string, origin: string) {
    this.#child = child;
    this.#folder = folder;
    this.#origin = origin;
  }

  static async start({ target, token, rules }: PrometheusOptions): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-prometheus-'));
    const config = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: [
        {
          job_name: 'mayfly',
          authorization: { type: 'Bearer', credentials: token },
          static_configs: [{ targets: [target] }],
        },
      ],
    };
    // JSON is YAML.
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
    const child = spawn(
      'prometheus',
      [
        `--config.file=${join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        '--web.listen-address=127.0.0.1:0',
        '--enable-feature=exemplar-storage',
        '--log.level=debug',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const lines = createInterface({ input: child.stderr });
    const heard: string[] = [];
    let address: string | undefined;
    for await (const line of lines) {
      heard.push(line);
      address ??= /msg="Listening on" address=(127\.0\.0\.1:\d+)/.exec(line)?.[1];
      // It listens before its storage is open, and answers 503 until then.
      if (address === undefined || !line.includes('Server is ready to receive web requests')) continue;
      // What it says from now on nobody reads, but it must be able to say it.
      child.stderr.resume();
      return new Prometheus(child, folder, `http://${address}`);
    }
    throw new Error(`prometheus did not start:\n${heard.join('\n')}`);
  }

  /** `data` of an answer of its HTTP API. */
  async api(path: string, query: Readonly<Record<string, string>> = {}): Promise<Json> {
    const answer = await fetch(`${this.#origin}/api/v1/${path}?${new URLSearchParams(query)}`);
    const { status, data, error } = (await answer.json()) as Json;
    if (status !== 'success') throw new Error(`${path}: ${error}`);
    return data;
  }

  /** Asks until `isIt` says yes: a scrape comes every second. */
  async until(isIt: () => Promise<boolean>): Promise<void> {
    while (!(await isIt()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What `promtool` says of it; its status is 0 where it finds no fault. */
export function promtool(
  args: readonly string[],
  input = '',
): { readonly status: number; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { status: status ?? -1, text: `${stdout}${stderr}` };
}
