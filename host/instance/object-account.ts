/**
 * What the structs and arrays of one invocation may take. They lie in the engine's heap, which all guests of a thread
 * share and which ends the process when it is full, so that they are bounded twice.
 *
 * 1. Bytes that were handed to the guest are reserved in its memory account before, and stay so until it has ended:
 *    nobody sees when the engine collects an object, and its fate must not depend on that.
 * 2. They are reserved in the thread's account as well, which `end` gives them back to.
 * 3. Once `end` was called, or a reservation refused, nothing is handed out.
 */
import { getHeapStatistics } from 'node:v8';
import { SpaceAccount } from './space-account.ts';

/** Handed out at a time: a call of the host per object would take ten times as long as making it. */
const PORTION_BYTES = 65_536;

/** Half of the heap: the host needs the other one, and objects of guests that have ended lie in it until they are collected. */
const THREAD_SHARE = 0.5;

/** For all guests of this thread; its workers have a heap each. */
const threadObjects = new SpaceAccount(Math.floor(getHeapStatistics().heap_size_limit * THREAD_SHARE), 0);

export class ObjectAccount {
  readonly #counter: WebAssembly.Global<'i64'>;
  readonly #memory: SpaceAccount;
  readonly #thread: SpaceAccount;
  #reserved = 0;
  #isClosed = false;
  #lackedThreadSpace = false;

  /** @param counter that of the guest, which its code counts down: bytes left of what was handed out */
  constructor(
    memory: SpaceAccount,
    counter: WebAssembly.Global<'i64'>,
    thread: SpaceAccount = threadObjects,
  ) {
    this.#memory = memory;
    this.#counter = counter;
    this.#thread = thread;
  }

  /** Whether a reservation failed for want of room in the thread, and not by the invocation's own cap. */
  get lackedThreadSpace(): boolean {
    return this.#lackedThreadSpace;
  }

  /** Raises the counter to zero at least, or leaves it below, and the guest's code traps. */
  reserve(): void {
    const missing = -Number(this.#counter.value);
    if (missing <= 0 || this.#isClosed) return;
    const portion = missing + PORTION_BYTES;
    const bytes = this.#memory.fits(portion) && this.#thread.fits(portion) ? portion : missing;
    if (this.#memory.reserve(bytes)) {
      if (this.#thread.reserve(bytes)) {
        this.#reserved += bytes;
        this.#counter.value = (this.#counter.value as bigint) + BigInt(bytes);
        return;
      }
      this.#lackedThreadSpace = true;
    }
    this.#isClosed = true;
  }

  /** Gives the thread its room back. */
  end(): void {
    this.#isClosed = true;
    this.#thread.release(this.#reserved);
    this.#reserved = 0;
  }
}
