/**
 * The serving threads, as the main thread sees them.
 *
 * 1. Calls of a thread are answered once, with a value or an error of the table; an unexpected error is
 *    reported to the operator and crosses as `internal_error`.
 * 2. A thread that dies unasked takes its own requests with it and is replaced, by a spare one that is loaded already; its
 *    admissions are cleared.
 * 3. A thread that a guest keeps is ended like that; whose guest it was is told to whoever judges losses.
 * 4. A drain ends when every thread has said so. When its time is up threads end what they run; one that does not
 *    say so soon is ended itself.
 */
import { Worker } from 'node:worker_threads';
import { type ErrorCode, MayflyError, toErrorMessage } from '../errors/errors.ts';
import { YOUNG_GENERATION_MB } from '../heap-policy.ts';
import { GuestNote, type NotedGuest } from '../instance/guest-note.ts';
import { HOST_LIMITS } from '../limits/limits.ts';
import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { ThreadTelemetry } from '../model/thread-telemetry.ts';
import type { UsageBatch } from '../model/usage-batch.ts';
import type { FunctionId } from '../store/recent-functions.ts';
import { refusedEvent } from './event-refusal.ts';
import type {
  FromWorker,
  FunctionVersionName,
  HostServices,
  LostInvocation,
  PrepareOrder,
  ToWorker,
  WorkerData,
} from './messages.ts';
import { SpareThreads } from './spare-threads.ts';
import { ThreadDeliveries } from './thread-deliveries.ts';
import { LOOK_MS, ThreadProbe } from './thread-probe.ts';

export interface WorkerPoolOptions {
  readonly threads: number;
  /** Threads that wait to replace one. */
  readonly spareThreads: number;
  /** Module that a serving thread runs. */
  readonly entry: URL;
  readonly data: WorkerData;
  readonly port: number;
  readonly services: HostServices;
  readonly onLogs: (records: readonly LogRecord[]) => void;
  readonly onUsage: (batch: UsageBatch) => void;
  readonly onTelemetry: (thread: number, news: ThreadTelemetry) => void;
  /** A thread has ended, before it is replaced; `cause` says why if it was not asked to, and `culprit` whose guest has kept it. */
  readonly onExit: (thread: number, cause: string | undefined, culprit: NotedGuest | undefined) => void;
  /** A thread is kept, and will be ended. */
  readonly onHung: () => void;
  readonly onRelieved: (functions: readonly FunctionVersionName[]) => void;
  readonly onProcessLost: (socketPath: string, running: LostInvocation) => void;
  readonly onProcessOverdue: (socketPath: string) => void;
  /** JavaScript heap of a thread. */
  readonly heapBytes: number;
  /** Processor time for which a guest may keep a thread (thread-probe.ts). */
  readonly hungMs: number;
  readonly onUsed: (functions: readonly FunctionId[]) => void;
  /** What a thread makes ready when it starts, in this order. */
  readonly recent: () => readonly FunctionId[];
  /** For the operator: what went wrong that no caller is told. */
  readonly report: (message: string, error?: unknown) => void;
}

/** The address cannot be listened on. The message is for the operator's terminal. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** A thread that dies within this time of its start is not replaced at once: the next attempt waits as long. */
const RESTART_PAUSE_MS = 500;

/** How long a thread may take to tell the callers of what it ended at the end of a drain. */
const LAST_ANSWERS_MS = 1_000;

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #workers = new Map<number, Worker>();
  /** Of the threads that listen. */
  readonly #deliveries = new Map<number, ThreadDeliveries>();
  /** The same. */
  readonly #probes = new Map<number, ThreadProbe>();
  readonly #spares: SpareThreads;
  #probing: NodeJS.Timeout | undefined;
  #lastThread = 0;
  #port = 0;
  #draining = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
    this.#spares = new SpareThreads(options.spareThreads, () => this.#load('mayfly-spare'));
  }

  /** Starts all threads; gives the port they listen on. Throws {@link ListenError}. */
  async start(): Promise<number> {
    const [first, ...others] = Array.from({ length: this.#options.threads }, (_, i) =>
      this.#load(`mayfly-${i}`),
    );
    this.#port = await this.#serve(first!, 0, this.#options.port);
    await Promise.all(others.map((worker, i) => this.#serve(worker, i + 1, this.#port)));
    this.#spares.fill();
    this.#probing = setInterval(() => {
      for (const probe of this.#probes.values()) probe.look();
    }, LOOK_MS).unref();
    return this.#port;
  }

  /** Has every thread make a function ready. */
  prepare(order: PrepareOrder): void {
    for (const worker of this.#workers.values()) this.#send(worker, { kind: 'prepare', ...order });
  }

  /** Has a thread run an event, the one with the fewest of them in work. Never rejects. */
  deliver(invocation: EventInvocation): Promise<EventOutcome> {
    const refuse = (code: ErrorCode, detail: string): Promise<EventOutcome> =>
      Promise.resolve(refusedEvent(new MayflyError(code, detail), Date.now()));
    if (this.#draining) return refuse('draining', 'The host takes no new invocations.');
    const chosen = this.#leastBusy();
    if (chosen === undefined) return refuse('worker_lost', 'No serving thread is there at the moment.');
    return chosen.deliver(invocation);
  }

  /** Resolves when all threads are gone. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    const spares = this.#spares.close();
    const exits = [...this.#workers.values()].map(
      (worker) =>
        new Promise<void>((resolve) => {
          worker.once('exit', () => resolve());
          this.#send(worker, { kind: 'drain', timeoutMs });
        }),
    );
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs + LAST_ANSWERS_MS);
    await Promise.race([Promise.all(exits), late]);
    clearTimeout(timer);
    await Promise.all([...this.#workers.values()].map((worker) => worker.terminate()));
    clearInterval(this.#probing);
    await spares;
  }

  /** Of several that are equal, the one behind the last. */
  #leastBusy(): ThreadDeliveries | undefined {
    const { threads } = this.#options;
    let least: ThreadDeliveries | undefined;
    let chosen = this.#lastThread;
    for (let i = 1; i <= threads; i++) {
      const thread = (this.#lastThread + i) % threads;
      const candidate = this.#deliveries.get(thread);
      if (candidate === undefined || (least !== undefined && candidate.inFlight >= least.inFlight)) continue;
      least = candidate;
      chosen = thread;
    }
    this.#lastThread = chosen;
    return least;
  }

  /** A thread that loads what it is to run, and then waits to hear which one it is. */
  #load(name: string): Worker {
    const { entry, data, heapBytes } = this.#options;
    return new Worker(entry, {
      workerData: data,
      name,
      resourceLimits: {
        maxYoungGenerationSizeMb: YOUNG_GENERATION_MB,
        maxOldGenerationSizeMb: Math.ceil(heapBytes / 2 ** 20),
      },
    });
  }

  /** Resolves with the port, once it listens. */
  #serve(worker: Worker, thread: number, port: number): Promise<number> {
    this.#send(worker, { kind: 'serve', thread, port });
    const startedMs = performance.now();
    this.#workers.set(thread, worker);
    const deliveries = new ThreadDeliveries({
      send: (message, transfer) => worker.postMessage(message, transfer),
      nowMs: Date.now,
      later: setImmediate,
      limit: HOST_LIMITS.eventsPerThread,
    });
    const note = new GuestNote(this.#options.data.notes, thread);
    let cause = 'it ended';
    let culprit: NotedGuest | undefined;
    const probe = new ThreadProbe({
      beats: () => note.beats,
      userMs: async () => (await worker.cpuUsage()).user / 1_000,
      limitMs: this.#options.hungMs,
      onHung: (keptMs) => {
        culprit = note.guest;
        cause = 'a guest has kept it';
        this.#options.onHung();
        this.#options.report(`serving thread ${thread} is ended: ${describeHang(culprit, keptMs)}`);
        void worker.terminate();
      },
    });
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        switch (message.kind) {
          case 'loaded':
            break; // for those who wait for a spare one
          case 'listening':
            resolve(message.port);
            this.#deliveries.set(thread, deliveries);
            this.#probes.set(thread, probe);
            for (const id of this.#options.recent()) this.#send(worker, { kind: 'prepare', ...id });
            break;
          case 'failed-to-listen':
            reject(new ListenError(message.message, message.code));
            // A replacement that found the address taken is tried again, like any thread that ended.
            void worker.terminate();
            break;
          case 'call':
            void this.#answer(worker, message);
            break;
          case 'logs':
            this.#options.onLogs(message.records);
            break;
          case 'usage':
            this.#options.onUsage(message.batch);
            break;
          case 'telemetry':
            this.#options.onTelemetry(thread, message);
            break;
          case 'relieved':
            this.#options.onRelieved(message.functions);
            break;
          case 'lost':
            this.#options.onProcessLost(message.socketPath, message.invocation);
            break;
          case 'overdue':
            this.#options.onProcessOverdue(message.socketPath);
            break;
          case 'used':
            this.#options.onUsed(message.functions);
            break;
          case 'delivered':
            for (const { id, outcome } of message.outcomes) deliveries.settle(id, outcome);
            break;
          case 'drained':
            void worker.terminate();
            break;
        }
      });
      worker.on('error', (error: NodeJS.ErrnoException) => {
        cause = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'its heap was full' : 'it failed';
        this.#options.report(`serving thread ${thread} failed`, error);
      });
      worker.once('exit', (code) => {
        this.#workers.delete(thread);
        this.#deliveries.delete(thread);
        this.#probes.delete(thread);
        note.clear();
        deliveries.lost('worker_lost', `The serving thread was lost: ${cause}.`, culprit?.idEnd);
        this.#options.onExit(thread, this.#draining ? undefined : cause, culprit);
        reject(
          new ListenError(`serving thread ${thread} ended with status ${code} before it listened`, 'EXIT'),
        );
        if (!this.#draining && this.#port !== 0) this.#replace(thread, startedMs);
      });
    });
  }

  #replace(thread: number, startedMs: number): void {
    const { report } = this.#options;
    const endedMs = performance.now();
    const pauseMs = endedMs - startedMs < RESTART_PAUSE_MS ? RESTART_PAUSE_MS : 0;
    report(`serving thread ${thread} ended; starting another`);
    const start = async (): Promise<void> => {
      if (this.#draining) return;
      try {
        await this.#serve(this.#spares.take(), thread, this.#port);
        report(`serving thread ${thread} serves again, ${Math.round(performance.now() - endedMs)} ms later`);
      } catch (error) {
        report(`serving thread ${thread} could not be replaced`, error);
      }
      if (!this.#draining) this.#spares.fill();
    };
    setTimeout(start, pauseMs);
  }

  async #answer(
    worker: Worker,
    { id, service, request, isFollowed }: Extract<FromWorker, { readonly kind: 'call' }>,
  ): Promise<void> {
    try {
      const { services } = this.#options;
      const handler = services[service] as (request: unknown, onProgress?: unknown) => Promise<unknown>;
      const onProgress = (value: unknown): void => this.#send(worker, { kind: 'progress', id, value });
      const value = await handler.call(services, request, isFollowed ? onProgress : undefined);
      this.#send(worker, { kind: 'answer', id, value });
    } catch (error) {
      if (!(error instanceof MayflyError)) this.#options.report(`${service} failed`, error);
      this.#send(worker, { kind: 'refusal', id, error: toErrorMessage(error) });
    }
  }

  #send(worker: Worker, message: ToWorker): void {
    worker.postMessage(message);
  }
}

/** For the operator: who did what. */
function describeHang(guest: NotedGuest | undefined, keptMs: number): string {
  const seconds = (keptMs / 1_000).toFixed(1);
  if (guest === undefined) return `it has not come back to its event loop for ${seconds} s of processor time`;
  const { tenant, name, version, idEnd } = guest;
  const during = idEnd === undefined ? 'while an instance was made' : `invocation …${idEnd}`;
  return `${tenant}/${name} version ${version} has computed for ${seconds} s without coming to a check of its fuel (${during})`;
}
