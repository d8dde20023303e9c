/**
 * The host's side of one publishing process: starts it, gives it a job at a time, and says how it ended.
 *
 * Modes: `idle` -> `busy` -> `idle` ..., and `ended` for good from either.
 *
 * Invariants:
 *  1. A job settles once, and only after the process has either answered or is gone: whoever cleans up after a
 *     failed job finds nobody still writing.
 *  2. The process is dead when the mode is `ended`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type ErrorCode, fromErrorMessage, MayflyError } from '../errors/errors.ts';
import type { OnPublishProgress } from '../model/publish-progress.ts';
import { entryUrl } from './entry-url.ts';
import type {
  CheckJob,
  CheckVerdict,
  PipelineJob,
  PipelineResult,
  PublishInput,
  PublishOutput,
  PublishResult,
} from './messages.ts';
import { MEMORY_EXCEEDED_SIGNAL } from './watchdog-data.ts';

const MiB = 1024 * 1024;

export interface PublishChildOptions {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
}

/** The job under way, and why the process is being killed, if it is. */
interface Assignment {
  readonly resolve: (result: PublishResult) => void;
  readonly reject: (error: MayflyError) => void;
  readonly onProgress: OnPublishProgress;
  readonly timer: NodeJS.Timeout;
  verdict: MayflyError | undefined;
}

type Mode =
  | { readonly name: 'idle' }
  | { readonly name: 'busy'; readonly assignment: Assignment }
  | { readonly name: 'ended' };

export class PublishChild {
  readonly #options: PublishChildOptions;
  readonly #process: ChildProcess;
  readonly #closed: Promise<void>;
  #mode: Mode = { name: 'idle' };
  #isSpent = false;

  constructor(options: PublishChildOptions) {
    this.#options = options;
    this.#process = fork(fileURLToPath(entryUrl('publish-process')), [String(options.memoryBytes)], {
      // Nothing of the host's flags and environment, where secrets are, reaches it.
      execArgv: [`--max-old-space-size=${Math.ceil(options.memoryBytes / MiB)}`],
      env: {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#process.on('message', (output: PublishOutput) => this.#answered(output));
    // `exit` may come before the last message has been read; `close` does not. `error` alone: it never started.
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    this.#process.once('close', (status, signal) => {
      this.#ended(status, signal);
      resolve();
    });
    this.#process.on('error', (cause) => {
      if (this.#process.pid !== undefined) return;
      this.#end(new MayflyError('internal_error', 'The publishing process did not start.', { cause }));
      resolve();
    });
  }

  /** For operators and tests; undefined if it never started. */
  get pid(): number | undefined {
    return this.#process.pid;
  }

  get isUsable(): boolean {
    return this.#mode.name === 'idle' && !this.#isSpent;
  }

  /** Runs a job; rejects with a MayflyError. Only while `isUsable`. */
  run(job: PipelineJob, onProgress?: OnPublishProgress): Promise<PipelineResult> {
    return this.#assign({ kind: 'job', job }, onProgress) as Promise<PipelineResult>;
  }

  /** The same for an upload that was published before. */
  check(job: CheckJob): Promise<CheckVerdict> {
    return this.#assign({ kind: 'check', job }) as Promise<CheckVerdict>;
  }

  #assign(input: PublishInput, onProgress: OnPublishProgress = () => {}): Promise<PublishResult> {
    if (!this.isUsable) throw new Error('the publishing process is not free');
    const { promise, resolve, reject } = Promise.withResolvers<PublishResult>();
    const { timeoutMs } = this.#options;
    const timer = setTimeout(() => {
      this.#kill(new MayflyError('publish_timed_out', `Publishing took longer than ${timeoutMs} ms.`));
    }, timeoutMs);
    this.#mode = { name: 'busy', assignment: { resolve, reject, onProgress, timer, verdict: undefined } };
    // A failure to send means that the process is going down; `close` says how.
    this.#process.send(input, () => {});
    return promise;
  }

  /** Ends the process, failing the job under way with `reason`; resolves once it is gone. */
  async stop(reason: MayflyError): Promise<void> {
    this.#kill(reason);
    await this.#closed;
  }

  #kill(verdict: MayflyError): void {
    if (this.#mode.name === 'ended') return;
    if (this.#mode.name === 'busy') this.#mode.assignment.verdict ??= verdict;
    this.#process.kill('SIGKILL');
  }

  #answered(output: PublishOutput): void {
    if (this.#mode.name !== 'busy') return;
    const { assignment } = this.#mode;
    // Killed while the answer was on its way: the end decides (invariant 1).
    if (assignment.verdict !== undefined) return;
    if (output.kind === 'progress') {
      assignment.onProgress(output.progress);
      return;
    }
    clearTimeout(assignment.timer);
    this.#isSpent = output.isSpent;
    this.#mode = { name: 'idle' };
    if (output.kind === 'done') assignment.resolve(output.result);
    else assignment.reject(failure(output));
  }

  #ended(status: number | null, signal: NodeJS.Signals | null): void {
    this.#end(causeOfEnd(status, signal, this.#options.memoryBytes));
  }

  #end(reason: MayflyError): void {
    const mode = this.#mode;
    this.#mode = { name: 'ended' };
    if (mode.name !== 'busy') return;
    clearTimeout(mode.assignment.timer);
    mode.assignment.reject(mode.assignment.verdict ?? reason);
  }
}

function failure(output: Extract<PublishOutput, { kind: 'failed' }>): MayflyError {
  if (output.trace === undefined) return fromErrorMessage(output.error);
  const code: ErrorCode = output.error.code;
  return new MayflyError(code, output.error.detail, { cause: new Error(output.trace) });
}

/** V8 aborts when its heap is full; the watchdog sends its own signal. */
function causeOfEnd(status: number | null, signal: NodeJS.Signals | null, memoryBytes: number): MayflyError {
  if (signal === MEMORY_EXCEEDED_SIGNAL || signal === 'SIGABRT' || status === 134) {
    return new MayflyError(
      'publish_out_of_memory',
      `Publishing needed more than ${memoryBytes} bytes of memory.`,
    );
  }
  const how = signal === null ? `status ${status}` : `signal ${signal}`;
  return new MayflyError('internal_error', `The publishing process ended with ${how}.`);
}
