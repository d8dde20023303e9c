import type { KeyVerifier } from '../model/api-key.ts';
import { KEY_USE_RESOLUTION_MS } from '../store/key-table.ts';
import { type ChangeCounters, keyKey } from './change-counters.ts';
import { CheckedCache } from './checked-cache.ts';

/** Keys kept per thread; more are asked for again. One is about 500 bytes. */
const MAX_KEYS = 10_000;

export interface KeyCachePorts {
  readonly ask: (id: string) => Promise<KeyVerifier | undefined>;
  readonly noteUse: (id: string) => Promise<void>;
  readonly now: () => number;
}

/** What this thread knows about keys, checked against the change counters; and which of them were used. */
export class KeyCache {
  readonly #counters: ChangeCounters;
  readonly #ports: KeyCachePorts;
  readonly #verifiers = new CheckedCache<KeyVerifier>(MAX_KEYS);
  /** When the use of a key was last passed on. */
  readonly #notedMs = new Map<string, number>();

  constructor(counters: ChangeCounters, ports: KeyCachePorts) {
    this.#counters = counters;
    this.#ports = ports;
  }

  verifier(id: string): KeyVerifier | undefined | Promise<KeyVerifier | undefined> {
    return this.#verifiers.get(id, this.#counters.read(keyKey(id)), () => this.#ports.ask(id));
  }

  /** Passes a use on, once per key in the time that is told apart. */
  used(id: string): void {
    const nowMs = this.#ports.now();
    if (nowMs - (this.#notedMs.get(id) ?? Number.NEGATIVE_INFINITY) < KEY_USE_RESOLUTION_MS) return;
    // Forgetting all of them costs a message each, which is less than keeping an order.
    if (this.#notedMs.size >= MAX_KEYS) this.#notedMs.clear();
    this.#notedMs.set(id, nowMs);
    // When a key was used is for people to look at: losing it to a host that goes down is no error.
    this.#ports.noteUse(id).catch(() => {});
  }
}
