/**
 * A Redis of the test's own: a real `redis-server` on a free port of the loopback interface, in a temporary folder, with its
 * append-only file on. `tools.ts` sees to it that there is one to start.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { PATIENCE_MS, within } from './bounded.ts';

export interface RedisServerOptions {
  /** Settings beside those below: name to value. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Is a sentinel of this group, whose primary is at this port. */
  readonly sentinelOf?: { readonly group: string; readonly port: number };
}

/**
 * `always`, so that what was accepted survives the end of the process: with `everysec`, Redis puts off even writing to the file, for
 * up to two seconds, while the disk is busy with what came before.
 */
const SETTINGS = { bind: '127.0.0.1', appendonly: 'yes', appendfsync: 'always', save: '' };

/** Another process may take a port between finding and using it. */
const PORT_TRIES = 5;

export class RedisServer implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  readonly #options: RedisServerOptions;
  #child: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  /** Resolves when it takes connections. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'mayfly-redis-'));
    for (let attempt = 1; ; attempt++) {
      const server = new RedisServer(await freePort(), folder, options);
      try {
        await server.restart();
        return server;
      } catch (error) {
        await server.kill();
        if (attempt < PORT_TRIES && String(error).includes('in use')) continue;
        await rm(folder, { recursive: true });
        throw error;
      }
    }
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Starts it again with what its append-only file holds. */
  async restart(): Promise<void> {
    const { settings, sentinelOf } = this.#options;
    // As a file: a sentinel writes what it learns into its own.
    const file = join(this.#folder, 'redis.conf');
    const lines = sentinelOf === undefined ? serverLines(settings) : sentinelLines(sentinelOf);
    await writeFile(file, [`port ${this.port}`, `dir ${this.#folder}`, ...lines, ''].join('\n'));
    const child = spawn('redis-server', sentinelOf === undefined ? [file] : [file, '--sentinel'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await Promise.race([once(child, 'spawn'), once(child, 'error').then(([error]) => explain(error))]);
    const said: string[] = [];
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    createInterface({ input: child.stdout }).on('line', (line) => {
      said.push(line);
      if (/Ready to accept connections|\+monitor master/.test(line)) resolve();
    });
    child.once('close', () => reject(new Error(`redis-server ended:\n${said.join('\n')}`)));
    // A test process that ends early takes it along.
    const end = (): void => void child.kill('SIGKILL');
    process.once('exit', end);
    child.once('close', () => process.off('exit', end));
    this.#child = child;
    await within(promise, PATIENCE_MS, () => `redis-server takes no connections:\n${said.join('\n')}`);
  }

  /** Ends it at once; the machine goes on. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await within(gone, PATIENCE_MS, () => `redis-server ${child.pid} is killed, and still there`);
  }

  /** Connections stay, nothing is answered. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

function serverLines(settings: RedisServerOptions['settings']): string[] {
  return Object.entries({ ...SETTINGS, ...settings }).map(([name, value]) => `${name} ${value || '""'}`);
}

/** One sentinel is a majority; the primary counts as down half a second after it last answered. */
function sentinelLines({ group, port }: NonNullable<RedisServerOptions['sentinelOf']>): string[] {
  return [
    'bind 127.0.0.1',
    `sentinel monitor ${group} 127.0.0.1 ${port} 1`,
    `sentinel down-after-milliseconds ${group} 500`,
    `sentinel failover-timeout ${group} 5000`,
  ];
}

function explain(error: NodeJS.ErrnoException): never {
  if (error.code !== 'ENOENT') throw error;
  throw new Error('there is no redis-server on the PATH; `node test/tools.ts` installs it', { cause: error });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
