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

/** Where elements come from. */
export interface Supply {
  /** The next elements; undefined at the end. */
  readonly pull: () => Promise<Elements | undefined>;
  /** The same, if it is known already. Not called while a pull is in flight. */
  readonly takeNow?: (() => Elements | 'end' | undefined) | undefined;
  /** Called once if the guest drops its end before the last element. */
  readonly close?: () => void;
}

const NO_ELEMENTS: Elements = [];

export class HostSource implements ReadableSide {
  readonly element: TypeIndex | null;
  readonly #state: InstanceState;
  readonly #supply: Supply;
  #rest: Elements = NO_ELEMENTS;
  #hasEnded = false;
  #isPulling = false;
  #pending: { readonly buffer: DestinationBuffer; readonly listener: CopyListener } | undefined;

  constructor(state: InstanceState, element: TypeIndex | null, supply: Supply) {
    this.#state = state;
    this.element = element;
    this.#supply = supply;
  }

  read(buffer: DestinationBuffer, listener: CopyListener): void {
    if (this.#rest.length === 0) this.#takeNow();
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
    this.#supply.close?.();
  }

  #takeNow(): void {
    if (this.#isPulling || this.#hasEnded) return;
    const known = this.#supply.takeNow?.();
    if (known === 'end') this.#hasEnded = true;
    else if (known !== undefined) this.#rest = known;
  }

  #startPull(): void {
    if (this.#isPulling) return;
    this.#isPulling = true;
    this.#supply.pull().then(
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

/** An iterator that may know what comes next before it is asked to wait for it. */
interface EagerIterator {
  takeNow(): IteratorResult<unknown> | undefined;
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
  const toElements = (value: unknown): Elements =>
    isNumeric && ArrayBuffer.isView(value) ? (value as Uint8Array) : [value];
  const { takeNow } = iterator as Partial<EagerIterator>;
  return new HostSource(state, element, {
    pull: async () => {
      const { done, value } = await iterator.next();
      return done === true ? undefined : toElements(value);
    },
    takeNow:
      takeNow &&
      (() => {
        const known = takeNow();
        if (known === undefined) return undefined;
        return known.done === true ? 'end' : toElements(known.value);
      }),
    close: () => {
      Promise.resolve(iterator.return?.()).catch((error: unknown) => state.fail(error));
    },
  });
}

/** What it gives for a `future`: a promise, or anything that has `then`. */
export function sourceOfPromise(
  state: InstanceState,
  element: TypeIndex | null,
  promise: PromiseLike<unknown>,
): HostSource {
  let first: Promise<Elements> | undefined;
  return new HostSource(state, element, {
    pull: () => {
      first ??= Promise.resolve(promise).then((value) => [value]);
      return first;
    },
  });
}
