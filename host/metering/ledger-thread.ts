/**
 * The thread of the ledger. It is one of its own, so that neither a burst of records, nor trimming, nor a scan of a month for somebody
 * keeps the main thread from answering the serving threads.
 *
 * 1. What has arrived by the beginning of a turn is one transaction, of at most {@link COMMIT_RECORDS} or one batch.
 * 2. What cannot be written (a full disk) waits and is tried again, up to {@link PENDING_RECORDS}; the oldest go first beyond
 *    that. The operator is told when it begins, goes on and ends, and how many were lost. A record that the ledger refuses is left out, and the
 *    operator is told.
 */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { toErrorMessage } from '../errors/errors.ts';
import { recordsOf } from '../model/usage-batch.ts';
import type { UsageRecord } from '../model/usage-record.ts';
import { Outage } from '../outage.ts';
import { toBackupError } from '../store/backup/backup-error.ts';
import { copyDatabase } from '../store/backup/database-copy.ts';
import { Ledger } from './ledger.ts';
import type {
  FromLedger,
  LedgerService,
  LedgerTenant,
  LedgerThreadData,
  ToLedger,
} from './ledger-messages.ts';
import { createLedgerService } from './ledger-service.ts';

const COMMIT_RECORDS = 2_000;
/** 100 MB. */
const PENDING_RECORDS = 200_000;
const RETRY_MS = 1_000;
const TRIM_EVERY_MS = 60_000;

class LedgerThread {
  readonly #ledger: Ledger;
  readonly #port: MessagePort;
  #pending: UsageRecord[] = [];
  #flushing: NodeJS.Immediate | undefined;
  #retry: NodeJS.Timeout | undefined;
  readonly #trimming: NodeJS.Timeout;
  readonly #service: LedgerService;
  readonly #writing: Outage;
  readonly #removing: Outage;
  #copying: { readonly stop: AbortController; readonly ended: Promise<void> } | undefined;

  constructor(data: LedgerThreadData, port: MessagePort) {
    this.#ledger = new Ledger(data);
    this.#service = createLedgerService(this.#ledger);
    this.#port = port;
    const report = (message: string, error?: unknown): void =>
      this.#report(error === undefined ? message : `${message}: ${error}`);
    this.#writing = new Outage(
      { failing: 'usage records could not be written', working: 'usage records are written again' },
      report,
    );
    this.#removing = new Outage(
      { failing: 'old usage records could not be removed', working: 'old usage records are removed again' },
      report,
    );
    this.#trimming = setInterval(() => this.#trim(), TRIM_EVERY_MS);
    setImmediate(() => this.#trim());
  }

  hear(message: ToLedger): void {
    switch (message.kind) {
      case 'append':
        for (const record of recordsOf(message.batch)) this.#pending.push(record);
        if (this.#retry === undefined) this.#flushing ??= setImmediate(() => this.#flush());
        break;
      case 'call':
        this.#answer(message.id, message.method, message.request);
        break;
      case 'copy':
        void this.#copy(message.id, message.path);
        break;
      case 'stop-copy':
        this.#copying?.stop.abort(new Error('the copy was called off'));
        break;
      case 'close':
        void this.#close();
        break;
    }
  }

  #flush(): void {
    clearImmediate(this.#flushing);
    clearTimeout(this.#retry);
    this.#flushing = undefined;
    this.#retry = undefined;
    while (this.#pending.length > 0) {
      const records = this.#pending.slice(0, COMMIT_RECORDS);
      let kept = records.length;
      try {
        this.#ledger.append(records);
      } catch (error) {
        if (!isOfARecord(error)) {
          this.#failed(error);
          return;
        }
        kept = this.#appendSingly(records);
      }
      this.#pending.splice(0, records.length);
      this.#tell({ kind: 'committed', records: kept, tenants: tenantsOf(records) });
      this.#writing.worked();
    }
  }

  /** One that no ledger takes must not keep all others out. */
  #appendSingly(records: readonly UsageRecord[]): number {
    let reason: unknown;
    let dropped = 0;
    for (const record of records) {
      try {
        this.#ledger.append([record]);
      } catch (error) {
        reason = error;
        dropped++;
      }
    }
    if (dropped > 0) this.#drop(dropped, String(reason));
    return records.length - dropped;
  }

  #drop(records: number, reason: string): void {
    this.#tell({ kind: 'dropped', records });
    this.#report(`usage records could not be written, and ${records} are lost: ${reason}`);
  }

  #failed(error: unknown): void {
    const dropped = Math.max(this.#pending.length - PENDING_RECORDS, 0);
    this.#pending.splice(0, dropped);
    if (dropped > 0) this.#tell({ kind: 'dropped', records: dropped });
    this.#writing.failed(error, dropped);
    this.#retry = setTimeout(() => this.#flush(), RETRY_MS);
  }

  /** Reads see what was appended before them. */
  #answer(id: number, method: keyof LedgerService, request: unknown): void {
    try {
      if (this.#retry === undefined) this.#flush();
      const answer = this.#service[method] as (request: unknown) => unknown;
      this.#tell({ kind: 'answer', id, value: answer(request) });
    } catch (error) {
      this.#tell({ kind: 'refusal', id, error: toErrorMessage(error), reason: String(error) });
    }
  }

  async #copy(id: number, path: string): Promise<void> {
    const stop = new AbortController();
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    this.#copying = { stop, ended };
    try {
      this.#flush();
      // A ledger that lacks what it was told would be a bill that is too small.
      if (this.#pending.length > 0) throw new Error(`${this.#pending.length} records could not be written`);
      const onBytes = (bytes: number, totalBytes: number): void =>
        this.#tell({ kind: 'copied', id, bytes, totalBytes });
      await copyDatabase(this.#ledger.database, { path, signal: stop.signal, onBytes });
      this.#tell({ kind: 'answer', id, value: undefined });
    } catch (error) {
      const reason = String(error);
      this.#tell({ kind: 'refusal', id, error: toErrorMessage(toBackupError(error)), reason });
    } finally {
      this.#copying = undefined;
      resolve();
    }
  }

  #trim(): void {
    try {
      if (this.#ledger.trim(Date.now())) setImmediate(() => this.#trim());
      this.#removing.worked();
    } catch (error) {
      this.#removing.failed(error);
    }
  }

  async #close(): Promise<void> {
    this.#copying?.stop.abort(new Error('the host ends'));
    await this.#copying?.ended;
    this.#flush();
    if (this.#pending.length > 0) this.#drop(this.#pending.length, 'the host ends');
    this.#writing[Symbol.dispose]();
    clearTimeout(this.#retry);
    clearInterval(this.#trimming);
    this.#ledger[Symbol.dispose]();
    this.#port.close();
  }

  #report(message: string): void {
    this.#tell({ kind: 'report', message });
  }

  #tell(message: FromLedger): void {
    this.#port.postMessage(message);
  }
}

/** SQLITE_CONSTRAINT, and not the disk. */
function isOfARecord(error: unknown): boolean {
  const { errcode } = error as { readonly errcode?: number };
  return errcode !== undefined && (errcode & 0xff) === 19;
}

function tenantsOf(records: readonly UsageRecord[]): LedgerTenant[] {
  const tenants = new Map<string, LedgerTenant>();
  for (const { tenant, generation } of records)
    tenants.set(`${tenant}/${generation}`, { tenant, generation });
  return [...tenants.values()];
}

const port = parentPort;
if (port === null) throw new Error('the ledger runs in a thread of its own');
try {
  const thread = new LedgerThread(workerData as LedgerThreadData, port);
  port.on('message', (message: ToLedger) => thread.hear(message));
  port.postMessage({ kind: 'ready' } satisfies FromLedger);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  port.postMessage({ kind: 'failed-to-open', message } satisfies FromLedger);
  port.close();
}
