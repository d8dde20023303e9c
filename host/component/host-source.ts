/**
 * The host as writer: a stream or future that a function of the host returned, read by a guest.
 *
 * 1. The host is asked for something only when the guest reads, and for one chunk at a time: what it has is bounded by
 *    the one chunk that was larger than the guest's buffer.
 * 2. What arrives for a read that was cancelled stays for the next one.
 */
import type { TypeIndex } from '../model/link-plan.ts';
import {
  COPY,
  type CopyListener,
  type DestinationBuffer,
  type Elements,
  type ReadableSide,
} from './channel.ts';
import type { InstanceState } from './instance-state.ts';

/** The next elements; undefined at the end. */
export type Pull = () => Promise<Elements | undefined>;

const NO_ELEMENTS: Elements = [];

export class HostSource implements ReadableSide {
  readonly element: TypeIndex | null;
  readonly #state: InstanceState;
  readonly #pull: Pull;
  readonly #close: (() => void) | undefined;
  #rest: Elements = NO_ELEMENTS;
  #hasEnded = false;
  #isPulling = false;
  #pending: { readonly buffer: DestinationBuffer; readonly listener: CopyListener } | undefined;

  /** @param close called once if the guest drops its end before the last element */
  constructor(state: InstanceState, element: TypeIndex | null, pull: Pull, close: (() => void) | undefined) {
    this.#state = state;
    this.element = element;
    this.#pull = pull;
    this.#close = close;
  }

  read(buffer: DestinationBuffer, listener: CopyListener): void {
    if (this.#rest.length > 0) {
      this.#give(buffer);
      listener.onDone(COPY.completed);
    } else if (this.#hasEnded) listener.onDone(COPY.dropped);
    else {
      this.#pending = { buffer, listener };
      this.#startPull();
    }
  }

  cancel(): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.listener.onDone(COPY.cancelled);
  }

  drop(): void {
    this.#rest = NO_ELEMENTS;
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#close?.();
  }

  #startPull(): void {
    if (this.#isPulling) return;
    this.#isPulling = true;
    this.#pull().then(
      (elements) => this.#state.whenEnterable(() => this.#arrive(elements)),
      (error: unknown) => this.#state.fail(error),
    );
  }

  #arrive(elements: Elements | undefined): void {
    this.#isPulling = false;
    if (elements === undefined) this.#hasEnded = true;
    else if (!this.#hasEnded) this.#rest = elements;
    const pending = this.#pending;
    if (pending === undefined) return;
    if (this.#rest.length === 0 && !this.#hasEnded) {
      this.#startPull();
      return;
    }
    this.#pending = undefined;
    if (this.#rest.length > 0) this.#give(pending.buffer);
    pending.listener.onDone(elements === undefined ? COPY.dropped : COPY.completed);
  }

  #give(buffer: DestinationBuffer): void {
    const rest = this.#rest;
    const count = Math.min(buffer.remaining, rest.length);
    if (count === rest.length) this.#rest = NO_ELEMENTS;
    else this.#rest = cut(rest, count, rest.length);
    if (count > 0) buffer.write(count === rest.length ? rest : cut(rest, 0, count));
  }
}

function cut(elements: Elements, begin: number, end: number): Elements {
  if (Array.isArray(elements)) return elements.slice(begin, end);
  if (elements instanceof Uint8Array) return elements.subarray(begin, end);
  return ArrayBuffer.isView(elements)
    ? (elements as Uint16Array).subarray(begin, end)
    : { length: end - begin };
}

/**
 * What a host function gives for a `stream`: an async iterable of chunks (for numbers: typed arrays, or one at a time)
 * or of elements.
 */
export function sourceOfIterable(
  state: InstanceState,
  element: TypeIndex | null,
  isNumeric: boolean,
  iterable: AsyncIterable<unknown> | Iterable<unknown>,
): HostSource {
  const iterator =
    Symbol.asyncIterator in iterable ? iterable[Symbol.asyncIterator]() : iterable[Symbol.iterator]();
  const pull: Pull = async () => {
    const { done, value } = await iterator.next();
    if (done === true) return undefined;
    return isNumeric && ArrayBuffer.isView(value) ? (value as Uint8Array) : [value];
  };
  return new HostSource(state, element, pull, () => {
    Promise.resolve(iterator.return?.()).catch((error: unknown) => state.fail(error));
  });
}

/** What it gives for a `future`: a promise, or anything that has `then`. */
export function sourceOfPromise(
  state: InstanceState,
  element: TypeIndex | null,
  promise: PromiseLike<unknown>,
): HostSource {
  let first: Promise<Elements> | undefined;
  const pull: Pull = () => {
    first ??= Promise.resolve(promise).then((value) => [value]);
    return first;
  };
  return new HostSource(state, element, pull, undefined);
}
