/**
 * The host's side of one isolated tenant's process: starts it, answers what it asks, and says how it ended.
 *
 * 1. It is told of nothing but its own tenant, and what it says counts for that, whatever it asks and says: a guest that has
 *    taken the process over can speak, too. One that says what makes no sense is ended.
 * 2. One that does not answer when it is asked whether it lives is ended, as hung.
 * 3. It ends once; `ended` resolves when it is gone, whoever ended it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MayflyError, toErrorMessage } from '../errors/errors.ts';
import { spanOfTenant } from '../model/invocation-span-check.ts';
import type { LogRecord } from '../model/log-record.ts';
import { batchOfTenant } from '../model/span-batch-check.ts';
import type { RecordedSpans } from '../model/thread-telemetry.ts';
import { ofTenant, type UsageBatch } from '../model/usage-batch.ts';
import type { FunctionId } from '../store/recent-functions.ts';
import type { FromIsolated, IsolatedFunction, IsolatedProcessData, ToIsolated } from './isolated-messages.ts';
import type { FunctionVersionName, PrepareOrder } from './messages.ts';

/** What a process may take to say its last; a guest may keep it from that. */
const FINISH_MS = 1_000;

/**
 * What a process may take to answer, or it has hung. A guest is parked after each slice of fuel, some milliseconds, and a
 * process that may run waits for a core no longer than some hundred, on a machine with twenty times as much to do.
 */
const ANSWER_MS = 1_000;

/** To load its modules and listen: two seconds, on a machine with six times as much to do as it has cores. */
const START_MS = 60_000;

export interface IsolatedChildPorts {
  resolve(id: FunctionId): IsolatedFunction | undefined;
  onSpent(fuel: number, outboundBytes: number): void;
  onLogs(records: readonly LogRecord[]): void;
  onUsage(batch: UsageBatch): void;
  onSpans(recorded: RecordedSpans): void;
  onRelieved(functions: readonly FunctionVersionName[]): void;
}

export class IsolatedChild {
  /** Resolves when it listens; rejects if it ends before. */
  readonly serving: Promise<void>;
  /** Why it ended. */
  readonly ended: Promise<string>;
  readonly #data: IsolatedProcessData;
  readonly #ports: IsolatedChildPorts;
  readonly #process: ChildProcess;
  readonly #isServing = Promise.withResolvers<void>();
  readonly #hasFinished = Promise.withResolvers<void>();
  /** Asked whether it lives, and has not answered yet. */
  #answering: PromiseWithResolvers<void> | undefined;
  /** Why the host ends it. */
  #verdict: string | undefined;

  constructor(entry: URL, data: IsolatedProcessData, ports: IsolatedChildPorts) {
    this.#data = data;
    this.#ports = ports;
    this.#process = fork(fileURLToPath(entry), [], {
      // Nothing of the host's flags and environment, where secrets are, reaches it.
      execArgv: [`--max-old-space-size=${Math.ceil(data.heapBytes / 2 ** 20)}`],
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    });
    this.serving = this.#isServing.promise;
    // Whoever waits for it hears of it; nobody has to.
    this.serving.catch(() => {});
    const { promise, resolve } = Promise.withResolvers<string>();
    this.ended = promise;
    const end = (cause: string): void => {
      clearTimeout(late);
      this.#isServing.reject(new MayflyError('worker_lost', `The process of the tenant was lost: ${cause}.`));
      resolve(cause);
    };
    const late = setTimeout(() => this.#condemn('it did not start in time'), START_MS).unref();
    this.serving.then(
      () => clearTimeout(late),
      () => {},
    );
    this.#process.on('message', (message: FromIsolated) => {
      try {
        this.#heard(message);
      } catch {
        this.#process.kill('SIGKILL');
      }
    });
    this.#process.once('exit', (status, signal) => end(this.#verdict ?? causeOf(status, signal)));
    this.#process.on('error', (error) => {
      if (this.#process.pid === undefined) end(`it did not start: ${error.message}`);
    });
    this.#send({ kind: 'start', data });
  }

  /** For operators and tests; undefined if it never started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get socketPath(): string {
    return this.#data.socketPath;
  }

  prepare(order: PrepareOrder): void {
    this.#send({ kind: 'prepare', ...order });
  }

  /** Lets it say what it has not said yet, then ends it; resolves once it is gone. */
  async finish(): Promise<void> {
    this.#send({ kind: 'finish' });
    const late = new AbortController();
    await Promise.race([
      this.#hasFinished.promise,
      this.ended,
      delay(FINISH_MS, undefined, { signal: late.signal }).catch(() => {}),
    ]);
    late.abort();
    await this.kill();
  }

  /** Ends it if it does not answer in time. Asked again meanwhile, it is asked once. */
  async probe(): Promise<void> {
    if (this.#answering !== undefined) return;
    const answering = Promise.withResolvers<void>();
    this.#answering = answering;
    this.#send({ kind: 'ping' });
    const late = setTimeout(() => this.#condemn(`it did not answer for ${ANSWER_MS} ms`), ANSWER_MS);
    await Promise.race([answering.promise, this.ended]);
    clearTimeout(late);
    this.#answering = undefined;
  }

  #condemn(verdict: string): void {
    this.#verdict ??= verdict;
    this.#process.kill('SIGKILL');
  }

  /** Resolves once it is gone. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.ended;
  }

  #heard(message: FromIsolated): void {
    const { tenant } = this.#data;
    switch (message.kind) {
      case 'serving':
        this.#isServing.resolve();
        break;
      case 'resolve':
        this.#resolve(message.id, { tenant, name: message.name });
        break;
      case 'spent':
        this.#ports.onSpent(Math.max(0, message.fuel), Math.max(0, message.outboundBytes));
        break;
      case 'logs':
        this.#ports.onLogs(message.records.map((record) => ({ ...record, tenant })));
        break;
      case 'usage':
        this.#ports.onUsage(ofTenant(message.batch, tenant));
        break;
      case 'spans':
        this.#ports.onSpans({
          spans: message.spans.map((span) => spanOfTenant(span, tenant)),
          batch: message.batch && batchOfTenant(message.batch, tenant),
        });
        break;
      case 'alive':
        this.#answering?.resolve();
        break;
      case 'finished':
        this.#hasFinished.resolve();
        break;
      case 'relieved':
        this.#ports.onRelieved(message.functions.map((found) => ({ ...found, tenant })));
        break;
    }
  }

  #resolve(id: number, found: FunctionId): void {
    try {
      this.#send({ kind: 'resolved', id, route: this.#ports.resolve(found) });
    } catch (error) {
      this.#send({ kind: 'refusal', id, error: toErrorMessage(error) });
    }
  }

  #send(message: ToIsolated): void {
    // A failure to send means that the process is going down; `exit` says how.
    if (this.#process.connected) this.#process.send(message, () => {});
  }
}

/** V8 aborts when its heap is full. */
function causeOf(status: number | null, signal: NodeJS.Signals | null): string {
  if (signal === 'SIGABRT' || status === 134) return 'its heap was full, or it aborted';
  return signal === null ? `it ended with status ${status}` : `it was ended by ${signal}`;
}
