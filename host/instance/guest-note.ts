/**
 * What a thread notes of itself in shared memory, for who watches it (worker/thread-probe.ts): that it goes on, and whose guest it is in. A
 * thread that a guest keeps cannot say it any more.
 *
 * 1. One thread writes a note, by plain stores: who reads it looks again half a second later, and reads whose
 *    guest it is only when nothing has been written for seconds.
 * 2. A guest may call its host, and that the guest (`enter`, `leave`): a depth. A stack that was parked goes on with no other guest below it, and
 *    whoever is parked leaves nobody but those below (`goOn`, `pause`).
 */
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';

/** Whose code a thread is in. */
export interface GuestOwner {
  readonly live: Pick<LiveFunction, 'tenant' | 'name' | 'version'>;
  /** Absent while an instance is made that is for nobody yet. */
  readonly invocationId?: InvocationId;
}

/** As the main thread reads it. */
export interface NotedGuest {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
  /** The last eight digits of its id; undefined while an instance is made. */
  readonly idEnd: string | undefined;
}

/** Words of a note: how often the thread has gone on, guests' frames on its stack, the end of an id, and where its function's name is. */
const BEATS = 0;
const DEPTH = 1;
const ID_END = 2;
const NAME_AT = 3;
const WORDS = 4;
const HEAD_BYTES = WORDS * Int32Array.BYTES_PER_ELEMENT;

/**
 * Names are written once and pointed at, and of an id there is the end alone: a text took 0.5 to 2.5 µs of a cycle of 12 to 90 (decision 59). Of more
 * functions than that, those named first are named anew.
 */
const NAMES = 1_024;
/** A version, two lengths, and texts of 63 characters (ids.ts). */
const NAME_BYTES = 144;
const MAX_NAME = 63;
const NOTE_BYTES = HEAD_BYTES + NAMES * NAME_BYTES;

const ID_END_DIGITS = 8;

/** Notes of that many threads. */
export function createGuestNotes(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * NOTE_BYTES);
}

export class GuestNote {
  readonly #words: Int32Array;
  readonly #bytes: Buffer<SharedArrayBuffer>;
  /** Whose name is where, and the same the other way round. */
  readonly #named: GuestOwner['live'][] = [];
  readonly #places = new WeakMap<GuestOwner['live'], number>();
  #nextName = 0;
  /** What is noted: of a guest that goes on nothing has to be written. */
  #live: GuestOwner['live'] | undefined;
  #invocationId: InvocationId | undefined;

  constructor(notes: SharedArrayBuffer, thread: number) {
    this.#words = new Int32Array(notes, thread * NOTE_BYTES, WORDS);
    this.#bytes = Buffer.from(notes, thread * NOTE_BYTES, NOTE_BYTES);
  }

  /** Its code is called; gives what {@link leave} is told. */
  enter(owner: GuestOwner): number {
    this.#write(owner);
    return this.#words[DEPTH]!++;
  }

  /** The call has returned, or its stack was parked. */
  leave(depth: number): void {
    this.#words[DEPTH] = depth;
  }

  /** A stack that was parked goes on (invariant 2). */
  goOn(owner: GuestOwner): void {
    this.#write(owner);
    this.#words[DEPTH] = 1;
  }

  /** A stack is about to be parked, or one that went on has returned. */
  pause(): void {
    this.#words[DEPTH] = 0;
  }

  /** A guest has come to a check of its fuel. */
  beat(): void {
    this.#words[BEATS]!++;
  }

  /** The event loop has come by: no guest is on a stack. */
  turn(): void {
    this.#words[BEATS]!++;
    this.#words[DEPTH] = 0;
  }

  /** Moves on as long as the thread does; wraps. */
  get beats(): number {
    return this.#words[BEATS]!;
  }

  /** Undefined where the thread is in no guest. */
  get guest(): NotedGuest | undefined {
    if (this.#words[DEPTH]! <= 0) return undefined;
    const at = this.#words[NAME_AT]!;
    const bytes = this.#bytes;
    const textAt = at + 6;
    const nameAt = textAt + bytes[at + 4]!;
    const idEnd = this.#words[ID_END]!;
    return {
      tenant: bytes.toString('latin1', textAt, nameAt) as TenantName,
      name: bytes.toString('latin1', nameAt, nameAt + bytes[at + 5]!) as FunctionName,
      version: bytes.readUInt32LE(at),
      idEnd: idEnd === 0 ? undefined : (idEnd >>> 0).toString(16).padStart(ID_END_DIGITS, '0'),
    };
  }

  /** For the thread that comes after this one. */
  clear(): void {
    this.#bytes.fill(0);
  }

  #write({ live, invocationId }: GuestOwner): void {
    this.#words[BEATS]!++;
    if (invocationId !== this.#invocationId) {
      this.#invocationId = invocationId;
      this.#words[ID_END] = invocationId === undefined ? 0 : endOf(invocationId);
    }
    if (live === this.#live) return;
    this.#live = live;
    const place = this.#places.get(live);
    const index = place !== undefined && this.#named[place] === live ? place : this.#name(live);
    this.#words[NAME_AT] = HEAD_BYTES + index * NAME_BYTES;
  }

  #name(live: GuestOwner['live']): number {
    const index = this.#nextName;
    this.#nextName = (index + 1) % NAMES;
    this.#named[index] = live;
    this.#places.set(live, index);
    const at = HEAD_BYTES + index * NAME_BYTES;
    const bytes = this.#bytes;
    bytes.writeUInt32LE(live.version, at);
    bytes[at + 4] = bytes.write(live.tenant, at + 6, MAX_NAME, 'latin1');
    bytes[at + 5] = bytes.write(live.name, at + 6 + bytes[at + 4]!, MAX_NAME, 'latin1');
    return index;
  }
}

/** As a number, of hexadecimal digits. */
function endOf(id: InvocationId): number {
  let end = 0;
  for (let i = Math.max(0, id.length - ID_END_DIGITS); i < id.length; i++) {
    const code = id.charCodeAt(i);
    end = (end << 4) | ((code & 0xf) + (code >> 6) * 9);
  }
  return end;
}
