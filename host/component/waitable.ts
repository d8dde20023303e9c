/** What a guest waits for (CanonicalABI.md, "Waitable State"): subtasks, ends of streams and of futures, and sets of them. */
import type { BlockedStacks } from './blocked-stacks.ts';
import { ComponentTrap } from './component-trap.ts';

export const EVENT = {
  none: 0,
  subtask: 1,
  streamRead: 2,
  streamWrite: 3,
  futureRead: 4,
  futureWrite: 5,
  taskCancelled: 6,
} as const;

export type WaitableEvent = readonly [code: number, index: number, payload: number];

export const NO_EVENT: WaitableEvent = [EVENT.none, 0, 0];

/** What a core function returns for something that is not done yet. */
export const BLOCKED = -1;

export abstract class Waitable {
  /** A stack waits for this one in a call that is not async. */
  hasSyncWaiter = false;
  readonly #stacks: BlockedStacks;
  #pending: (() => WaitableEvent) | undefined;
  #set: WaitableSet | undefined;

  constructor(stacks: BlockedStacks) {
    this.#stacks = stacks;
  }

  get hasEvent(): boolean {
    return this.#pending !== undefined;
  }

  get isInSet(): boolean {
    return this.#set !== undefined;
  }

  /** Replaces one that was not delivered; `event` is called when this one is. */
  setEvent(event: () => WaitableEvent): void {
    this.#pending = event;
    this.#set?.noteReady(this);
    this.#stacks.changed();
  }

  takeEvent(): WaitableEvent {
    const pending = this.#pending;
    if (pending === undefined) throw new ComponentTrap('there is no event');
    this.#pending = undefined;
    this.#set?.noteTaken(this);
    return pending();
  }

  /** Takes it out of its set, and puts it into another one, if any. */
  join(set: WaitableSet | undefined): void {
    this.#set?.remove(this);
    this.#set = set;
    set?.add(this);
    if (set !== undefined && this.hasEvent) this.#stacks.changed();
  }

  /** For a core function that is not async: what `take` gives once there is an event. */
  waitForEvent<T>(take: (event: WaitableEvent) => T): Promise<T> {
    this.hasSyncWaiter = true;
    return this.#stacks.waitFor(
      () => this.hasEvent,
      () => {
        this.hasSyncWaiter = false;
        return take(this.takeEvent());
      },
    );
  }

  /** The guest has dropped its handle. */
  drop(): void {
    if (this.hasSyncWaiter) throw new ComponentTrap('it is dropped while a call waits for it');
    this.join(undefined);
  }
}

export class WaitableSet {
  /** Tasks and stacks that wait for this set. */
  waitingCount = 0;
  #size = 0;
  /** Those with an event, in the order in which they got it: so none is passed over for good. */
  readonly #ready = new Set<Waitable>();

  get hasEvent(): boolean {
    return this.#ready.size > 0;
  }

  takeEvent(): WaitableEvent {
    const [first] = this.#ready;
    if (first === undefined) throw new ComponentTrap('there is no event');
    return first.takeEvent();
  }

  add(waitable: Waitable): void {
    this.#size++;
    if (waitable.hasEvent) this.#ready.add(waitable);
  }

  remove(waitable: Waitable): void {
    this.#size--;
    this.#ready.delete(waitable);
  }

  noteReady(waitable: Waitable): void {
    this.#ready.add(waitable);
  }

  noteTaken(waitable: Waitable): void {
    this.#ready.delete(waitable);
  }

  drop(): void {
    if (this.#size > 0) throw new ComponentTrap('a waitable set is dropped with waitables in it');
    if (this.waitingCount > 0) throw new ComponentTrap('a waitable set is dropped while it is waited for');
  }
}
