/**
 * What the two ends of a stream or a future have in common (CanonicalABI.md, "Stream State", "Future State"): a place
 * where a buffer of one end waits for one of the other, and nothing is stored. A future is a stream of one element.
 *
 * Values are copied when both sides are there, once, for all elements that both have.
 */
import type { TypeIndex } from '../model/link-plan.ts';
import { ComponentTrap } from './component-trap.ts';

export const COPY = { completed: 0, dropped: 1, cancelled: 2 } as const;
export type CopyResult = (typeof COPY)[keyof typeof COPY];

/** Elements of a stream, as a list of them would be: bytes are a Uint8Array. */
export type Elements = ArrayLike<unknown>;

/** `owner` is the component instance whose memory it is; undefined for the host's. */
interface Buffer {
  readonly remaining: number;
  readonly owner: object | undefined;
}

export interface SourceBuffer extends Buffer {
  read(count: number): Elements;
}

export interface DestinationBuffer extends Buffer {
  write(values: Elements): void;
}

/** Some elements were copied; until `reclaim` is called the buffer may take, or give, more. */
export type OnCopy = (reclaim: () => void) => void;
export type OnDone = (result: CopyResult) => void;

export interface CopyListener {
  readonly onCopy: OnCopy;
  readonly onDone: OnDone;
}

/** What a readable end reads from. At most one read at a time. */
export interface ReadableSide {
  /** Type of the elements. */
  readonly element: TypeIndex | null;
  read(buffer: DestinationBuffer, listener: CopyListener): void;
  /** Ends the read that waits; its listener hears of it before this returns. */
  cancel(): void;
  /** The readable end is gone. */
  drop(): void;
}

export interface WritableSide {
  readonly element: TypeIndex | null;
  write(buffer: SourceBuffer, listener: CopyListener): void;
  cancel(): void;
  drop(): void;
}

type Pending =
  | { readonly kind: 'read'; readonly buffer: DestinationBuffer; readonly listener: CopyListener }
  | { readonly kind: 'write'; readonly buffer: SourceBuffer; readonly listener: CopyListener };

/** Elements copied at a time at most: what lies between two memories is in the host's. */
const MAX_ELEMENTS = 1 << 20;

/** Both ends belong to guests or are read by the host. */
export class Channel implements ReadableSide, WritableSide {
  readonly element: TypeIndex | null;
  /** Whether elements of one component instance may go to itself: numbers only, for now, says the specification. */
  readonly #mayCopyToSelf: boolean;
  readonly #isFuture: boolean;
  #isDropped = false;
  #pending: Pending | undefined;

  constructor(element: TypeIndex | null, isFuture: boolean, mayCopyToSelf: boolean) {
    this.element = element;
    this.#isFuture = isFuture;
    this.#mayCopyToSelf = mayCopyToSelf;
  }

  read(buffer: DestinationBuffer, listener: CopyListener): void {
    const pending = this.#pending;
    if (this.#isDropped) listener.onDone(COPY.dropped);
    else if (pending === undefined) this.#pending = { kind: 'read', buffer, listener };
    else if (pending.kind === 'read') throw new Error('two reads at a time');
    else if (pending.buffer.remaining > 0) {
      if (buffer.remaining > 0) this.#copy(pending.buffer, buffer, pending.listener);
      listener.onDone(COPY.completed);
    } else {
      this.#finish(COPY.completed);
      this.#pending = { kind: 'read', buffer, listener };
    }
  }

  write(buffer: SourceBuffer, listener: CopyListener): void {
    const pending = this.#pending;
    if (this.#isDropped) listener.onDone(COPY.dropped);
    else if (pending === undefined) this.#pending = { kind: 'write', buffer, listener };
    else if (pending.kind === 'write') throw new Error('two writes at a time');
    else if (pending.buffer.remaining > 0) {
      if (buffer.remaining > 0) this.#copy(buffer, pending.buffer, pending.listener);
      listener.onDone(COPY.completed);
    } else if (buffer.remaining === 0) listener.onDone(COPY.completed);
    else {
      this.#finish(COPY.completed);
      this.#pending = { kind: 'write', buffer, listener };
    }
  }

  cancel(): void {
    this.#finish(COPY.cancelled);
  }

  drop(): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    if (this.#pending !== undefined) this.#finish(COPY.dropped);
  }

  #copy(from: SourceBuffer, to: DestinationBuffer, waiting: CopyListener): void {
    if (!this.#mayCopyToSelf && from.owner !== undefined && from.owner === to.owner)
      throw new ComponentTrap('a component passes to itself what is no number');
    to.write(from.read(Math.min(from.remaining, to.remaining, MAX_ELEMENTS)));
    // The one element of a future is all there is: its writer is done, whatever becomes of the reader.
    if (this.#isFuture) this.#finish(COPY.completed);
    else waiting.onCopy(this.#reclaim);
  }

  readonly #reclaim = (): void => {
    this.#pending = undefined;
  };

  #finish(result: CopyResult): void {
    const { listener } = this.#pending!;
    this.#pending = undefined;
    listener.onDone(result);
  }
}
