/**
 * The connection to the Redis that keeps the queues, with bounds: Redis away, slow, full or failing over is an error within
 * `timeoutMs`, never a wait without end, and nothing is kept in memory for later.
 *
 *  1. What is asked while there is no connection is refused at once; nothing is sent again after a connection was lost.
 *  2. What has not been answered within `timeoutMs` is refused, and the connection is given up with all that it still owes: else
 *     commands for a Redis that is stopped would heap up in the socket. A new one is tried until there is one.
 *  3. No more than `OUTSTANDING_BYTES` are on their way.
 *  4. Commands of one turn of the event loop are one write, in their order, and share Redis' sync of its file.
 *  5. Neither errors nor reports name the password.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { MayflyError } from '../../errors/errors.ts';
import { redisAddress } from './redis-address.ts';
import { defineScripts, runScript, type ScriptArguments, type ScriptName } from './redis-scripts.ts';

/** Eight of the largest sends. At 100 MB/s they take less time than `timeoutMs`. */
const OUTSTANDING_BYTES = 64 * 2 ** 20;
const RETRY_MAXIMUM_MS = 1_000;

export interface RedisLinkOptions {
  /** See redis-address.ts. */
  readonly url: string;
  readonly timeoutMs: number;
  /** One line for the operator's log, when the connection is lost or back, or a setting of Redis endangers messages. */
  readonly report: (line: string) => void;
}

export class RedisLink implements AsyncDisposable {
  /** What Redis' clock is ahead of this host's; 0 where no difference shows. */
  clockOffsetMs = 0;
  /** Whether there is a connection, as far as is known. */
  isReady = false;
  readonly #redis: Redis;
  readonly #options: RedisLinkOptions;
  readonly #readyListeners = new Set<() => void>();
  #outstandingBytes = 0;
  /** How many there have been. */
  #connections = 0;
  #isAway = false;
  #isCorked = false;
  #isClosed = false;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
    this.#redis = connect(options, 'mayfly-queues');
    defineScripts(this.#redis);
    this.#redis.on('ready', () => void this.#ready());
    this.#redis.on('error', (error: Error) => this.#away(error));
    this.#redis.on('close', () => this.#away(undefined));
  }

  /** Runs a script; texts in its answer are Buffers. @throws MayflyError queue_unavailable */
  script(name: ScriptName, args: ScriptArguments): Promise<unknown> {
    return this.#bounded(sizeOf(args), () => runScript(this.#redis, name, args));
  }

  /** Any command; texts in its answer are Buffers. @throws MayflyError queue_unavailable */
  command(name: string, ...args: (string | number | Buffer)[]): Promise<unknown> {
    return this.#bounded(sizeOf(args), () => this.#redis.callBuffer(name, ...args) as Promise<unknown>);
  }

  /**
   * Runs a script that is done only when `replicas` replicas of Redis have what it wrote, too. Where they have not within half of
   * `timeoutMs`, it is refused, but may be done all the same.
   * @throws MayflyError queue_unavailable
   */
  async replicated(name: ScriptName, args: ScriptArguments, replicas: number): Promise<unknown> {
    if (replicas === 0) return this.script(name, args);
    const late = Promise.withResolvers<never>();
    const { timeoutMs } = this.#options;
    const timer = setTimeout(() => late.reject(unavailable('Redis does not answer in time.')), timeoutMs);
    try {
      return await Promise.race([this.#onReplicas(name, args, replicas), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * WAIT is for all that was written on its connection before it. Sent along with the script it would come before it where Redis has
   * forgotten the script, which is sent once more then.
   */
  async #onReplicas(name: ScriptName, args: ScriptArguments, replicas: number): Promise<unknown> {
    const answer = await this.script(name, args);
    const waitMs = Math.ceil(this.#options.timeoutMs / 2);
    const reached = await this.#bounded(0, () => this.#redis.wait(replicas, waitMs));
    if (Number(reached) < replicas)
      throw unavailable(`Only ${reached} of ${replicas} replicas of Redis took it in time.`);
    return answer;
  }

  /** Calls back whenever a connection has been made, until the returned call. */
  onReady(listener: () => void): () => void {
    this.#readyListeners.add(listener);
    if (this.isReady) listener();
    return () => this.#readyListeners.delete(listener);
  }

  /** Makes another connection to the same Redis, whose commands may take `blockMs` longer. */
  another(name: string, blockMs = 0): Redis {
    const { url, timeoutMs } = this.#options;
    return connect({ url, timeoutMs: timeoutMs + blockMs }, name);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    return closed(this.#redis);
  }

  async #bounded(bytes: number, ask: () => Promise<unknown>): Promise<unknown> {
    if (this.#outstandingBytes + bytes > OUTSTANDING_BYTES)
      throw unavailable('More is on its way to Redis than it takes.');
    this.#outstandingBytes += bytes;
    const connection = this.#connections;
    this.#cork();
    try {
      return await ask();
    } catch (error) {
      // Once, however many time out together: the next connection has not failed anybody yet.
      if (isTimeout(error) && connection === this.#connections) {
        this.#connections++;
        this.isReady = false;
        this.#redis.disconnect(true);
      }
      throw refusal(error);
    } finally {
      this.#outstandingBytes -= bytes;
    }
  }

  #cork(): void {
    if (this.#isCorked || !this.isReady) return;
    this.#isCorked = true;
    const { stream } = this.#redis;
    stream.cork();
    setImmediate(() => {
      this.#isCorked = false;
      stream.uncork();
    });
  }

  async #ready(): Promise<void> {
    this.#connections++;
    if (this.#isAway) this.#options.report('The Redis of the queues is back.');
    this.#isAway = false;
    // Whatever comes of it: who waits for the connection has it.
    await this.measureClock().catch(() => {});
    if (this.#redis.status !== 'ready') return;
    const lines = await warnings(this.#redis).catch(() => []);
    for (const line of lines) this.#options.report(line);
    if (this.#redis.status !== 'ready') return;
    this.isReady = true;
    for (const listener of this.#readyListeners) listener();
  }

  /** Compares the clocks. Less than it takes to ask is no difference. */
  async measureClock(): Promise<void> {
    const beforeMs = Date.now();
    const [seconds, micros] = await this.#redis.time();
    const afterMs = Date.now();
    const redisMs = Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000);
    const isSame = redisMs >= beforeMs - 1 && redisMs <= afterMs + 1;
    this.clockOffsetMs = isSame ? 0 : redisMs - Math.round((beforeMs + afterMs) / 2);
  }

  /** Said once, however often it is tried again. */
  #away(error: Error | undefined): void {
    if (error === undefined) this.isReady = false;
    if (this.#isAway || this.#isClosed) return;
    if (error === undefined && this.#redis.status === 'end') return;
    this.#isAway = true;
    const why = error === undefined ? '' : ` (${reasonOf(error)})`;
    this.#options.report(`The Redis of the queues is away${why}; messages are refused until it is back.`);
  }
}

function connect(
  { url, timeoutMs }: Pick<RedisLinkOptions, 'url' | 'timeoutMs'>,
  connectionName: string,
): Redis {
  const address = redisAddress(url);
  if (address === undefined) throw new RangeError('not the address of a Redis');
  const options = {
    connectionName,
    // RESP3 gives XREAD's answer another shape.
    protocol: 2,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    // A socket that is given up goes at once, with what it still had to send.
    disconnectTimeout: 20,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    retryStrategy: retryAfterMs,
    // After a failover the old address may lead to what is a replica now.
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    sentinelRetryStrategy: retryAfterMs,
    sentinelCommandTimeout: timeoutMs,
  } satisfies RedisOptions;
  return typeof address === 'string' ? new Redis(address, options) : new Redis({ ...options, ...address });
}

/** @param times that it was tried in a row */
function retryAfterMs(times: number): number {
  return Math.min(20 * 2 ** times, RETRY_MAXIMUM_MS);
}

/** Ends a client without waiting for Redis, which may not answer. */
export async function closed(redis: Redis): Promise<void> {
  if (redis.status === 'end') return;
  const { promise, resolve } = Promise.withResolvers<void>();
  redis.once('end', resolve);
  redis.disconnect();
  // Between two tries there is no socket that could close: the client takes its timer back and says nothing.
  if (redis.status === 'reconnecting') return;
  await promise;
}

function sizeOf(args: ScriptArguments): number {
  let bytes = 0;
  for (const arg of args) bytes += typeof arg === 'number' ? 8 : arg.length;
  return bytes;
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.message === 'Command timed out';
}

function unavailable(detail: string, cause?: unknown): MayflyError {
  return new MayflyError('queue_unavailable', detail, { cause });
}

/** Details for callers; what Redis said stays in the cause, without the command and its arguments. */
function refusal(error: unknown): MayflyError {
  if (isTimeout(error)) return unavailable('Redis does not answer in time.');
  const reason = error instanceof Error ? reasonOf(error) : String(error);
  if (reason.startsWith('OOM')) return unavailable('The memory of Redis is full.', new Error(reason));
  if (/^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|MISCONF|NOREPLICAS|BUSY|TRYAGAIN)\b/.test(reason))
    return unavailable(`Redis does not take commands now (${reason.split(' ')[0]}).`, new Error(reason));
  if (/^[A-Z]+ /.test(reason)) return unavailable('Redis refused a command.', new Error(reason));
  return unavailable('There is no connection to Redis.', new Error(reason));
}

/** An AggregateError of all addresses that were tried has no message of its own. */
function reasonOf(error: Error): string {
  if (error.message !== '') return error.message;
  return String((error as NodeJS.ErrnoException).code ?? error.name);
}

/** Settings under which an accepted message can be lost. A Redis that hides its settings gives no warnings. */
async function warnings(redis: Redis): Promise<string[]> {
  const info = await redis.info();
  const setting = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\r?$`, 'm').exec(info)?.[1];
  const lines: string[] = [];
  const version = setting('redis_version');
  if (version !== undefined && Number.parseInt(version, 10) < 7)
    lines.push(`Queues need Redis 7.0 or newer; this is ${version}.`);
  if (setting('aof_enabled') === '0')
    lines.push(
      'Redis has its append-only file off: accepted messages are lost when it ends. Set `appendonly yes`.',
    );
  else if ((await appendfsync(redis)) === 'everysec')
    lines.push(
      'Redis writes its append-only file every second: up to two seconds of accepted messages are lost when it is killed. `appendfsync always` loses none.',
    );
  const policy = setting('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction' && setting('maxmemory') !== '0')
    lines.push(
      `Redis may evict messages when its memory is full (maxmemory-policy ${policy}). Set \`noeviction\`.`,
    );
  return lines;
}

/** Not in INFO, and where CONFIG is forbidden it is not known. */
async function appendfsync(redis: Redis): Promise<string | undefined> {
  const answer = await redis.config('GET', 'appendfsync').catch(() => undefined);
  return (answer as string[] | undefined)?.[1];
}
