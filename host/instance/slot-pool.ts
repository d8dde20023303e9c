/**
 * The slots of one thread: linked instances that wait, clean, for an invocation of the function version they belong to.
 *
 * 1. A slot serves one function version for as long as it lives, and one invocation at a time.
 * 2. Whoever takes a slot gets it clean. It is put back in order right after the answer has been sent, before the thread
 *    turns to anything else: what was written is still in the processor's caches, and the next request gets the same memory,
 *    not that of another slot. One that cannot be put back in order is disposed of, never handed out.
 * 3. A slot that is not there is made while the caller waits (`late` counts these); so whenever the last clean one is
 *    taken, another is made ahead of need, in a later turn.
 * 4. A function version that was not called lately keeps one slot, a fresh one if there is: the memory of one that was
 *    used is resident, 64 KiB for the smallest.
 * 5. Idle slots take at most `budgetBytes` and `maxIdle` of them exist; beyond that the function used least recently
 *    gives up its slots first. Slots in use are bounded by admission.
 */
import { Link, LinkedList } from '../linked-list.ts';

/** What the pool needs of a slot. */
export interface PooledSlot {
  /** Memory that this slot keeps from others while it is idle. */
  readonly idleBytes: number;
  /** Puts everything back as it was; false if that cannot be done. */
  rewind(): boolean;
  dispose(): void;
}

export interface SlotPoolOptions {
  readonly budgetBytes: number;
  /** Each memory of a slot reserves 8 GiB of address space, of which a process has 128 TiB, and two mappings. */
  readonly maxIdle: number;
  /** Calls back in a later turn of the event loop, after what has been written went out. */
  readonly later: (callback: () => void) => void;
  /** Calls back before anything else of the event loop, once all that follows from what runs now has been done: the answer too. */
  readonly soon: (callback: () => void) => void;
  /** Milliseconds on a clock that never goes back. */
  readonly nowMs: () => number;
  /** Making a slot ahead of need failed; whoever needs it makes it again, and hears why. */
  readonly onFailure: (error: unknown) => void;
}

/** After this long, what was needed at once before is forgotten by half. */
const PEAK_HALF_LIFE_MS = 10_000;

/** Invariant 4: as long as it takes to forget a peak. */
const SPARE_MS = PEAK_HALF_LIFE_MS;

/** How often the owner of a pool calls {@link SlotPool.trim}: with 10,000 functions a look at all of them takes 0.1 ms. */
export const TRIM_EVERY_MS = 2_000;

/** Keys begin with the function they belong to: `tenant/name/` and what tells versions apart. */
function functionKeyOf(key: string): string {
  return key.slice(0, key.indexOf('/', key.indexOf('/') + 1));
}

/** The slots of one function version. */
class Shelf<S extends PooledSlot> {
  readonly key: string;
  /** The last one given back first: its memory is in the caches. */
  readonly idle: S[] = [];
  /** In use, or waiting to be put in order. */
  busy = 0;
  /** How many were in use at once lately. */
  peak = 1;
  peakAtMs = 0;
  isMaking = false;
  usedAtMs = 0;

  constructor(key: string) {
    this.key = key;
  }
}

export interface SlotPoolCounts {
  readonly idle: number;
  readonly idleBytes: number;
  readonly busy: number;
  /** Slots that somebody waited for. */
  readonly late: number;
  /** Slots made ahead of need. */
  readonly ahead: number;
  /** Slots that could not be put back in order. */
  readonly lost: number;
  /** Slots given up for the budget. */
  readonly evicted: number;
}

export class SlotPool<S extends PooledSlot> {
  readonly #options: SlotPoolOptions;
  /** By function version. */
  readonly #shelves = new Map<string, Link<Shelf<S>>>();
  /** Least recently used first. */
  readonly #order = new LinkedList<Shelf<S>>();
  /** The keys of shelves by function: a publish looks at its own, not at ten thousand. */
  readonly #keysOf = new Map<string, Set<string>>();
  #idle = 0;
  #idleBytes = 0;
  #late = 0;
  #ahead = 0;
  #lost = 0;
  #evicted = 0;

  constructor(options: SlotPoolOptions) {
    this.#options = options;
  }

  get counts(): SlotPoolCounts {
    let busy = 0;
    for (const { value } of this.#order) busy += value.busy;
    return {
      idle: this.#idle,
      idleBytes: this.#idleBytes,
      busy,
      late: this.#late,
      ahead: this.#ahead,
      lost: this.#lost,
      evicted: this.#evicted,
    };
  }

  /**
   * A clean slot of this function version. Each one that is taken is given back once ({@link giveBack}).
   *
   * @param make makes a clean one; what it throws is thrown
   */
  take(key: string, make: () => S): S {
    const shelf = this.#use(key);
    let slot = shelf.idle.pop();
    if (slot === undefined) {
      this.#late++;
      slot = make();
    } else {
      this.#count(slot, -1);
    }
    shelf.busy++;
    const nowMs = this.#options.nowMs();
    shelf.usedAtMs = nowMs;
    this.#decay(shelf, nowMs);
    if (shelf.busy > shelf.peak) shelf.peak = shelf.busy;
    if (shelf.idle.length === 0) this.#makeAhead(key, shelf, make);
    return slot;
  }

  /** Sees to it that a clean slot is there, in a later turn. */
  prepare(key: string, make: () => S): void {
    const shelf = this.#use(key);
    if (shelf.idle.length === 0 && shelf.busy === 0) this.#makeAhead(key, shelf, make);
  }

  /**
   * Nothing of the slot's guest can run any more.
   * @param make for another one, where this one cannot be put in order and none else is idle
   */
  giveBack(key: string, slot: S, make: () => S): void {
    this.#options.soon(() => {
      const shelf = this.#shelves.get(key)?.value;
      if (shelf !== undefined) shelf.busy--;
      if (shelf === undefined || shelf.idle.length >= this.#wanted(shelf)) {
        slot.dispose();
      } else if (slot.rewind()) {
        shelf.idle.push(slot);
        this.#kept(slot);
      } else {
        this.#lost++;
        slot.dispose();
        if (shelf.idle.length === 0) this.#makeAhead(key, shelf, make);
      }
      this.#forgetEmpty(key);
    });
  }

  /** Of the versions of a function that have slots. */
  keysOf(functionKey: string): readonly string[] {
    return [...(this.#keysOf.get(functionKey) ?? [])];
  }

  /** Gives up the idle slots of a function version that nobody will call any more. */
  drop(key: string): void {
    const shelf = this.#shelves.get(key)?.value;
    if (shelf === undefined) return;
    while (shelf.idle.length > 0) this.#evict(shelf);
    this.#forget(key);
  }

  dispose(): void {
    for (const key of [...this.#shelves.keys()]) this.drop(key);
  }

  /** Invariant 4; an idle thread has to do it, too. */
  trim(): void {
    const nowMs = this.#options.nowMs();
    for (const { value: shelf } of this.#order) {
      // Those that follow were used later.
      if (nowMs - shelf.usedAtMs < SPARE_MS) return;
      // Those that were made ahead and never taken come first.
      while (shelf.idle.length > 1) this.#giveUp(shelf.idle.pop()!);
    }
  }

  /** Invariant 3. One at a time, so that a burst of calls does not turn into a burst of slots that nobody needs. */
  #makeAhead(key: string, shelf: Shelf<S>, make: () => S): void {
    if (shelf.isMaking) return;
    shelf.isMaking = true;
    this.#options.later(() => {
      shelf.isMaking = false;
      // Meanwhile the function may be gone. One that has come back is no reason: it is the one that is needed next.
      if (this.#shelves.get(key)?.value !== shelf) return;
      if (shelf.idle.length + shelf.busy >= this.#wanted(shelf)) return;
      try {
        // Below those that came back: it is the last to be taken, and the one that an idle function keeps.
        shelf.idle.unshift(make());
        this.#kept(shelf.idle[0]!);
        this.#ahead++;
      } catch (error) {
        this.#options.onFailure(error);
      }
      this.#forgetEmpty(key);
    });
  }

  #use(key: string): Shelf<S> {
    let link = this.#shelves.get(key);
    if (link === undefined) {
      link = new Link(new Shelf<S>(key));
      this.#shelves.set(key, link);
      const functionKey = functionKeyOf(key);
      const keys = this.#keysOf.get(functionKey);
      if (keys === undefined) this.#keysOf.set(functionKey, new Set([key]));
      else keys.add(key);
    }
    this.#order.append(link);
    return link.value;
  }

  #decay(shelf: Shelf<S>, nowMs: number): void {
    const halvings = Math.floor((nowMs - shelf.peakAtMs) / PEAK_HALF_LIFE_MS);
    if (halvings <= 0) return;
    shelf.peak = Math.max(1, Math.floor(shelf.peak / 2 ** Math.min(halvings, 31)));
    shelf.peakAtMs = nowMs;
  }

  /** How many idle ones are worth keeping: what was needed at once lately, and one ahead. */
  #wanted(shelf: Shelf<S>): number {
    this.#decay(shelf, this.#options.nowMs());
    return shelf.peak + 1;
  }

  #kept(slot: S): void {
    this.#count(slot, 1);
    this.#fitBudget();
  }

  /** Invariant 5. */
  #fitBudget(): void {
    const { budgetBytes, maxIdle } = this.#options;
    for (const { value: shelf } of this.#order) {
      while (shelf.idle.length > 0 && (this.#idleBytes > budgetBytes || this.#idle > maxIdle))
        this.#evict(shelf);
      this.#forgetEmpty(shelf.key);
      if (this.#idleBytes <= budgetBytes && this.#idle <= maxIdle) return;
    }
  }

  #evict(shelf: Shelf<S>): void {
    this.#giveUp(shelf.idle.shift()!);
  }

  #giveUp(slot: S): void {
    this.#count(slot, -1);
    this.#evicted++;
    slot.dispose();
  }

  #forgetEmpty(key: string): void {
    const shelf = this.#shelves.get(key)?.value;
    if (shelf !== undefined && shelf.busy === 0 && shelf.idle.length === 0 && !shelf.isMaking)
      this.#forget(key);
  }

  #forget(key: string): void {
    const link = this.#shelves.get(key);
    if (link !== undefined) this.#order.remove(link);
    this.#shelves.delete(key);
    const functionKey = functionKeyOf(key);
    const keys = this.#keysOf.get(functionKey);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(functionKey);
  }

  #count(slot: S, by: 1 | -1): void {
    this.#idle += by;
    this.#idleBytes += by * slot.idleBytes;
  }
}
