/**
 * Whom a serving thread owes an answer, in memory that the main thread sees: when the thread dies, nobody on it can
 * tell its callers, and the kernel would break their connections off. So each connection has a second descriptor, made
 * when it was accepted (a system call), and a word here that says whether a request on it waits for its answer.
 *
 * 1. A word belongs to one connection, and is written by the thread that accepted it: 0 is free. The main thread
 *    looks at the words of a thread only when that has ended, and frees them all.
 * 2. A descriptor is in the ledger after it was made and until before it is closed: no number in it is ever somebody
 *    else's. A thread that dies in between leaves one descriptor behind, and a caller who waits for its own time-out.
 * 3. A connection is owed an answer only while nothing of the answer is out. What was begun cannot be taken back.
 * 4. The ledger takes at most a third of the descriptors that the process may have; connections beyond go without.
 */
import { type Descriptors, descriptorLimit } from './descriptors.ts';

/** A connection of a thread that is gone. */
export interface LeftConnection {
  readonly fd: number;
  readonly isOwed: boolean;
}

/** Descriptors that are not for connections: files, artifacts, the registry. */
const OTHER_DESCRIPTORS = 1_000;

/** Connections per thread that the ledger has room for. */
export function ledgerCapacity(threads: number, connectionsPerThread: number): number {
  const spare = Math.floor((descriptorLimit() - OTHER_DESCRIPTORS) / 3 / threads);
  return Math.max(0, Math.min(connectionsPerThread, spare));
}

/** A row of words per thread. */
export interface LedgerWords {
  readonly words: SharedArrayBuffer;
  readonly threads: number;
}

export function createLedgerWords(threads: number, capacity: number): LedgerWords {
  return { words: new SharedArrayBuffer(threads * capacity * Int32Array.BYTES_PER_ELEMENT), threads };
}

export class ConnectionLedger {
  readonly #words: Int32Array;
  readonly #descriptors: Descriptors;
  /** Places that were used before, and the first that never was. */
  readonly #free: number[] = [];
  #next = 0;

  /** The row of one thread. */
  constructor({ words, threads }: LedgerWords, thread: number, descriptors: Descriptors) {
    const capacity = words.byteLength / Int32Array.BYTES_PER_ELEMENT / threads;
    this.#words = new Int32Array(words).subarray(thread * capacity, (thread + 1) * capacity);
    this.#descriptors = descriptors;
  }

  /** A place for a connection that was accepted; undefined if there is none, or no descriptor. */
  open(fd: number): number | undefined {
    const at = this.#free.pop() ?? (this.#next < this.#words.length ? this.#next++ : undefined);
    if (at === undefined) return undefined;
    const second = this.#descriptors.duplicate(fd);
    if (second < 0) {
      this.#free.push(at);
      return undefined;
    }
    Atomics.store(this.#words, at, wordOf(second, false));
    return at;
  }

  /** A request has come, and nothing of its answer is out. */
  owe(at: number): void {
    Atomics.or(this.#words, at, OWED);
  }

  /** Its answer begins. */
  settle(at: number): void {
    Atomics.and(this.#words, at, ~OWED);
  }

  /** The connection is closed: it is once its second descriptor is closed, too. */
  close(at: number): void {
    const { fd } = connectionOf(Atomics.exchange(this.#words, at, 0));
    this.#descriptors.close(fd);
    this.#free.push(at);
  }

  /** For the main thread, once the thread has ended: its connections, whose descriptors are the caller's from here on. */
  takeAll(): LeftConnection[] {
    const left: LeftConnection[] = [];
    for (let at = 0; at < this.#words.length; at++) {
      const word = Atomics.exchange(this.#words, at, 0);
      if (word !== 0) left.push(connectionOf(word));
    }
    return left;
  }
}

const OWED = 1;

/** Descriptor 0 must not look free. */
function wordOf(fd: number, isOwed: boolean): number {
  return ((fd + 1) << 1) | (isOwed ? OWED : 0);
}

function connectionOf(word: number): LeftConnection {
  return { fd: (word >> 1) - 1, isOwed: (word & OWED) !== 0 };
}
