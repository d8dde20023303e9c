/**
 * The main thread's line to the ledger's thread.
 *
 * 1. Batches are passed on as they come, and nobody waits for them.
 * 2. A call is answered once, with a value or an error. When the thread ends unasked every call fails; the thread is started
 *    again, and batches that it had not committed are lost with it, which the operator is told.
 */
import { Worker } from 'node:worker_threads';
import { fromErrorMessage, MayflyError } from '../errors/errors.ts';
import { lengthOf, type UsageBatch } from '../model/usage-batch.ts';
import type { CopyOptions } from '../store/backup/database-copy.ts';
import { DatabaseOpenError } from '../store/database.ts';
import type {
  FromLedger,
  LedgerService,
  LedgerTenant,
  LedgerThreadData,
  ToLedger,
} from './ledger-messages.ts';

const ENTRY = new URL(`./ledger-thread${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

export interface LedgerLinkOptions extends LedgerThreadData {
  /** Records of these tenants, among others, are on the disk. */
  readonly onCommitted: (tenants: readonly LedgerTenant[]) => void;
  /** For the operator. */
  readonly report: (message: string, error?: unknown) => void;
}

interface Pending {
  readonly resolve: (value: never) => void;
  readonly reject: (error: Error) => void;
  readonly onBytes?: CopyOptions['onBytes'];
}

export class LedgerLink implements AsyncDisposable {
  readonly #options: LedgerLinkOptions;
  readonly #pending = new Map<number, Pending>();
  #worker!: Worker;
  #nextId = 1;
  #uncommitted = 0;
  #isClosing = false;
  #hasEnded = false;

  private constructor(options: LedgerLinkOptions) {
    this.#options = options;
  }

  /** Throws DatabaseOpenError when the file cannot be used. */
  static async open(options: LedgerLinkOptions): Promise<LedgerLink> {
    const link = new LedgerLink(options);
    await link.#start();
    return link;
  }

  /** Records that the ledger has not committed yet. */
  get uncommitted(): number {
    return this.#uncommitted;
  }

  append(batch: UsageBatch): void {
    this.#uncommitted += lengthOf(batch);
    this.#send({ kind: 'append', batch });
  }

  call<M extends keyof LedgerService>(
    method: M,
    request: Parameters<LedgerService[M]>[0],
  ): Promise<ReturnType<LedgerService[M]>> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#send({ kind: 'call', id, method, request });
    });
  }

  /**
   * Copies the ledger's file, with all that was appended before. One copy at a time.
   * @throws MayflyError disk_full, backup_failed
   */
  async copyTo({ path, signal, onBytes }: Omit<CopyOptions, 'beforeLast'>): Promise<void> {
    signal.throwIfAborted();
    const stop = (): void => this.#send({ kind: 'stop-copy' });
    signal.addEventListener('abort', stop, { once: true });
    const id = this.#nextId++;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#pending.set(id, { resolve, reject, onBytes });
        this.#send({ kind: 'copy', id, path });
      });
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** Writes what has come, and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true;
    if (this.#hasEnded) return;
    const ended = new Promise((resolve) => this.#worker.once('exit', resolve));
    this.#send({ kind: 'close' });
    await ended;
  }

  #start(): Promise<void> {
    const { path, retention } = this.#options;
    const worker = new Worker(ENTRY, {
      workerData: { path, retention } satisfies LedgerThreadData,
      name: 'mayfly-ledger',
    });
    this.#worker = worker;
    this.#hasEnded = false;
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromLedger) => {
        if (message.kind === 'ready') resolve();
        else if (message.kind === 'failed-to-open') {
          this.#isClosing = true;
          reject(new DatabaseOpenError(message.message));
        } else this.#hear(message);
      });
      worker.on('error', (error) => this.#options.report('the ledger failed', error));
      worker.once('exit', () => {
        reject(new DatabaseOpenError('the ledger ended before it was ready'));
        this.#ended();
      });
    });
  }

  #hear(message: FromLedger): void {
    switch (message.kind) {
      case 'answer':
        this.#take(message.id)?.resolve(message.value as never);
        break;
      case 'refusal':
        this.#options.report(`the ledger could not answer: ${message.reason}`);
        this.#take(message.id)?.reject(fromErrorMessage(message.error));
        break;
      case 'copied':
        this.#pending.get(message.id)?.onBytes?.(message.bytes, message.totalBytes);
        break;
      case 'committed':
        this.#uncommitted -= message.records;
        this.#options.onCommitted(message.tenants);
        break;
      case 'dropped':
        this.#uncommitted -= message.records;
        break;
      case 'report':
        this.#options.report(message.message);
        break;
    }
  }

  #ended(): void {
    this.#hasEnded = true;
    for (const { reject } of this.#pending.values())
      reject(new MayflyError('internal_error', 'The ledger ended.'));
    this.#pending.clear();
    if (this.#isClosing) return;
    this.#options.report(
      `the ledger ended, and up to ${this.#uncommitted} usage records with it; starting it again`,
    );
    this.#uncommitted = 0;
    this.#start().catch((error: unknown) => this.#options.report('the ledger could not be started', error));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #send(message: ToLedger): void {
    this.#worker.postMessage(message);
  }
}
