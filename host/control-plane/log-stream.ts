/**
 * A function's log as it is written, one JSON object a line (NDJSON).
 *
 * Invariants:
 *  1. Every record is sent once, in the order of ids: following starts before the tail is read, and what both
 *     contain is told apart by its id.
 *  2. A reader that is slow costs at most QUEUE_BYTES; beyond it the oldest unsent records are left out, and a
 *     line says how many.
 *  3. The listener is gone once the stream is cancelled, has ended with the host or its reader's key, or failed to start.
 */
import type { FunctionName, TenantName } from '../model/ids.ts';
import { type LogFilter, matches } from '../model/log-filter.ts';
import type { StoredLogRecord } from '../store/log-store.ts';
import type { FollowLogs } from './ports.ts';
import { logRecordJson } from './views.ts';

export const NDJSON_MEDIA_TYPE = 'application/x-ndjson';

/** What one invocation may log by default, so that one burst does not overrun a reader. */
const QUEUE_BYTES = 256 * 1024;
/** A record's own weight in memory beside its message. */
const RECORD_BYTES = 200;

export interface FollowOptions {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly followLogs: FollowLogs;
  /** Which records are wanted; all of them where absent. */
  readonly filter?: LogFilter;
  readonly tail: () => Promise<readonly StoredLogRecord[]>;
  readonly draining: AbortSignal;
  /** Asked before anything is sent; rejects once the reader may see nothing any more. */
  readonly requireKey: () => Promise<void>;
}

export async function followLog(options: FollowOptions): Promise<ReadableStream<Uint8Array>> {
  const queue = new FollowQueue();
  const { filter = {} } = options;
  const unfollow = options.followLogs(options.tenant, options.name, (record) => {
    if (matches(record, filter)) queue.push([record]);
  });
  try {
    queue.startWith(await options.tail());
  } catch (error) {
    unfollow();
    throw error;
  }
  const end = (): void => {
    options.draining.removeEventListener('abort', end);
    unfollow();
    queue.end();
  };
  const mayRead = (): Promise<boolean> =>
    options.requireKey().then(
      () => true,
      () => false,
    );
  if (options.draining.aborted) end();
  else options.draining.addEventListener('abort', end);
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const lines = await queue.take();
        if (lines !== undefined && (await mayRead())) controller.enqueue(Buffer.from(lines));
        else {
          end();
          controller.close();
        }
      },
      cancel: end,
    },
    // Nothing is taken off the queue before the connection asks for it: the queue's bound is the bound.
    { highWaterMark: 0 },
  );
}

/** Records between their arrival and their reader. */
class FollowQueue {
  #records: StoredLogRecord[] = [];
  #bytes = 0;
  #skipped = 0;
  #ended = false;
  #arrival = Promise.withResolvers<void>();

  push(records: readonly StoredLogRecord[]): void {
    if (this.#ended) return;
    for (const record of records) {
      this.#records.push(record);
      this.#bytes += weight(record);
    }
    this.#bound();
    if (this.#records.length > 0) this.#arrival.resolve();
  }

  /** Puts the tail before what arrived while it was read, which may be in it. */
  startWith(tail: readonly StoredLogRecord[]): void {
    const arrived = this.#records;
    const lastId = tail.at(-1)?.id ?? 0;
    this.#records = [];
    this.#bytes = 0;
    this.push([...tail, ...arrived.filter((record) => record.id > lastId)]);
  }

  end(): void {
    this.#ended = true;
    this.#arrival.resolve();
  }

  /** Lines to send, as soon as there are some; undefined at the end. */
  async take(): Promise<string | undefined> {
    await this.#arrival.promise;
    if (!this.#ended) this.#arrival = Promise.withResolvers();
    const records = this.#records;
    const first = records[0];
    if (!first) return undefined;
    const notice = this.#skipped === 0 ? [] : [skipNotice(first, this.#skipped)];
    this.#records = [];
    this.#bytes = 0;
    this.#skipped = 0;
    return [...notice, ...records].map((record) => `${JSON.stringify(logRecordJson(record))}\n`).join('');
  }

  #bound(): void {
    let drop = 0;
    for (const record of this.#records) {
      // The newest record is kept whatever it weighs: the log store has bounded it.
      if (this.#bytes <= QUEUE_BYTES || drop === this.#records.length - 1) break;
      this.#bytes -= weight(record);
      drop++;
    }
    if (drop === 0) return;
    this.#records.splice(0, drop);
    this.#skipped += drop;
  }
}

function weight(record: StoredLogRecord): number {
  return record.message.length * 2 + RECORD_BYTES;
}

function skipNotice(next: StoredLogRecord, skipped: number): StoredLogRecord {
  const message = `${skipped} records left out: they came faster than they were read`;
  return { ...next, level: 'warn', source: 'host', message };
}
