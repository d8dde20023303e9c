import { newHostCalls } from '../model/host-call-kind.ts';
import type { FuelAccount } from './fuel-account.ts';
import type { GuestNote, GuestOwner } from './guest-note.ts';
import type { ObjectAccount } from './object-account.ts';
import { ParkedCalls } from './parked-calls.ts';
import type { SpaceAccount } from './space-account.ts';

/** What one invocation brings along. */
export interface GuestRun {
  /** On the guest's own counter. */
  readonly fuel: FuelAccount;
  readonly memory: SpaceAccount;
  readonly tables: SpaceAccount;
  /** Hears every error that leaves the guest's code, once per frame it passes. */
  readonly onTrap: (error: unknown) => void;
  /** Whether wall-clock time is up or the caller is gone: asked between slices, also where parking is impossible. */
  readonly isOver: () => boolean;
  /** Lets the thread do other work, and calls `resume` when it is this guest's turn again; not before it returns. */
  readonly yieldThread: (resume: () => void) => void;
  /**
   * Asked when a slice is used up: whether another follows at once, since nobody else waits for the thread.
   * @param hasOnlyComputed since it was resumed: it has called no function of the host
   */
  readonly keepsThread: (hasOnlyComputed: boolean) => boolean;
  /** Asked where it cannot be parked and has called functions of the host: whether it must end, since the thread is short of memory. */
  readonly mustEnd: () => boolean;
  /** Asked before it goes on after it waited for the host: at once (undefined), or when it is its turn. */
  readonly goOn: () => Promise<void> | undefined;
  /** The guest's code is about to be entered. */
  readonly onEnter?: () => void;
  /** The thread's, in which stands when it is in the guest's code, and whose that is. */
  readonly note: GuestNote;
  readonly owner: GuestOwner;
}

const SETTLED = Promise.resolve();

/** Everything of a guest that belongs to one invocation (guest.ts, invariant 6). */
export class Run {
  readonly by: GuestRun;
  readonly parked = new ParkedCalls();
  /** Undefined until it makes objects. */
  objects: ObjectAccount | undefined;
  plainDepth = 0;
  /** Calls into the guest whose stacks are there: running, parked or waiting for the host. */
  entered = 0;
  /** Slices in a row that were granted where it could not be parked. */
  unparkedSlices = 0;
  /** Functions of the host that it called, by whether it could be parked in them. */
  immediateCalls = 0;
  waitingCalls = 0;
  /** The same by what they are for, for each of HOST_CALL_KINDS. */
  readonly hostCalls = newHostCalls();
  #goOn: (() => void) | undefined;
  /** Of them, before it was resumed last after a slice. */
  #callsBefore = 0;
  /** Stacks that are parked for their fuel (invariant 4). */
  preempted = 0;
  /** Stacks whose wait for the host is over, and that go on within the next microtasks. */
  resuming = 0;
  /** What waits to enter the guest meanwhile. */
  readonly entries: (() => void)[] = [];
  hasEnded = false;
  onQuiet: (() => void) | undefined;

  constructor(by: GuestRun) {
    this.by = by;
  }

  /** V8 switches its stack away and back for a result that is there, too: in the reaction behind the one that is put off here. */
  noteDetour(): void {
    const { note, owner } = this.by;
    note.pause();
    this.#goOn ??= () => note.goOn(owner);
    SETTLED.then(this.#goOn);
  }

  noteResumption(): void {
    this.by.note.goOn(this.by.owner);
    this.#callsBefore = this.immediateCalls + this.waitingCalls;
  }

  /** Since it was resumed last after a slice. */
  get hasOnlyComputed(): boolean {
    return this.immediateCalls + this.waitingCalls === this.#callsBefore;
  }

  leavePlainFrame(): void {
    this.plainDepth--;
    if (this.plainDepth === 0 && this.unparkedSlices > 0) this.by.fuel.retract();
  }

  left(): void {
    this.by.note.pause();
    this.entered--;
    if (this.entered === 0) this.onQuiet?.();
  }

  get isEnterable(): boolean {
    return this.preempted === 0 && this.resuming === 0;
  }

  whenEnterable(enter: () => void): void {
    if (this.hasEnded) return;
    if (this.entries.length > 0 || !this.isEnterable) this.entries.push(enter);
    else enter();
  }

  /** Called in the reaction before a stack goes on: what it does first comes before those who wait. */
  offerEntries(): void {
    if (this.entries.length > 0) queueMicrotask(this.#runEntries);
  }

  readonly #runEntries = (): void => {
    while (this.entries.length > 0 && this.isEnterable && !this.hasEnded) this.entries.shift()!();
  };
}
