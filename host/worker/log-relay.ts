import { BroadcastChannel } from 'node:worker_threads';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { StoredLogRecord } from '../store/log-store.ts';
import { LOG_CHANNEL, type LogNotice } from './messages.ts';

type Listener = (record: StoredLogRecord) => void;

/** Gathers log records of one event-loop turn into one message, and hears those of all threads for followers. */
export class LogRelay {
  readonly #send: (records: readonly LogRecord[]) => void;
  readonly #listeners = new Map<string, Set<Listener>>();
  #batch: LogRecord[] = [];
  #channel: BroadcastChannel | undefined;

  constructor(send: (records: readonly LogRecord[]) => void) {
    this.#send = send;
  }

  append(record: LogRecord): void {
    if (this.#batch.push(record) === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#batch.length === 0) return;
    const records = this.#batch;
    this.#batch = [];
    this.#send(records);
  }

  /** Hears the function's records from now on, whichever thread they come from. */
  follow(tenant: TenantName, name: FunctionName, listener: Listener): () => void {
    const key = `${tenant}/${name}`;
    const listeners = this.#listeners.get(key) ?? new Set();
    this.#listeners.set(key, listeners.add(listener));
    this.#channel ??= this.#listen();
    return () => {
      listeners.delete(listener);
      // Not those of a later tenant of the name.
      if (listeners.size === 0 && this.#listeners.get(key) === listeners) this.#listeners.delete(key);
      if (this.#listeners.size > 0) return;
      this.#channel?.close();
      this.#channel = undefined;
    };
  }

  /** What came over the channel. */
  hear(notice: LogNotice): void {
    if (notice.kind === 'tenant-gone') {
      for (const key of this.#listeners.keys()) {
        if (key.startsWith(`${notice.tenant}/`)) this.#listeners.delete(key);
      }
      return;
    }
    for (const record of notice.records) {
      for (const listener of this.#listeners.get(`${record.tenant}/${record.name}`) ?? []) listener(record);
    }
  }

  #listen(): BroadcastChannel {
    const channel = new BroadcastChannel(LOG_CHANNEL);
    channel.onmessage = (event) => this.hear((event as { data: LogNotice }).data);
    return channel;
  }
}
