/**
 * An instance of a component that serves one invocation after another: linked once, and put back as initialisation
 * left it after each.
 *
 * 1. Between `begin` and `rewind` it belongs to one invocation. `rewind` comes when its guest is quiet (guest.ts).
 * 2. What a rewind puts back: memories, tables and globals (rewind/), the state of the component instance (handles,
 *    tasks, streams), the run of the guest, and the imports, which each invocation brings anew. Nothing else is kept.
 */
import type { LinkedComponent } from '../component/linked-component.ts';
import type { Guest } from './guest.ts';
import type { GuestRun } from './guest-run.ts';
import type { LinkedGuest } from './linked-guest.ts';
import type { CoreInstance } from './rewind/core-state.ts';
import type { SlotState } from './rewind/slot-state.ts';
import type { PooledSlot } from './slot-pool.ts';

/** What initialisation used: every invocation starts from there, as if it had done it itself. */
export interface StartUse {
  readonly fuel: number;
  readonly memory: StartSpace;
  readonly tables: StartSpace;
}

/** What it has of a countable resource, and the most that it ever had. */
export interface StartSpace {
  readonly used: number;
  readonly peak: number;
}

/** Functions and classes of the host, by interface and name. */
export type Imports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** A linked component whose imports can be exchanged. */
export interface LinkedInstance extends LinkedGuest {
  readonly guest: Guest;
  /** The imports of the present invocation. */
  bind(imports: Imports | undefined): void;
}

/** Objects of the host for one instance: the instances themselves, functions made at link time, tables of handles. */
const OBJECT_BYTES = 64 * 1024;

export class Slot implements PooledSlot {
  readonly start: StartUse;
  /** Whether the invocation that has it waited for it to be made. */
  isCold = false;
  readonly #instance: LinkedInstance;
  readonly #state: SlotState;
  readonly #onDispose: () => void;
  #isDisposed = false;

  constructor(instance: LinkedInstance, start: StartUse, state: SlotState, onDispose: () => void) {
    this.#instance = instance;
    this.start = start;
    this.#state = state;
    this.#onDispose = onDispose;
  }

  get idleBytes(): number {
    return OBJECT_BYTES + this.#state.keptBytes;
  }

  get guest(): Guest {
    return this.#instance.guest;
  }

  get component(): LinkedComponent {
    return this.#instance.component;
  }

  /** For whoever looks at its state. */
  get coreInstances(): readonly CoreInstance[] {
    return this.#instance.instances;
  }

  begin(run: GuestRun, imports: Imports): void {
    this.#instance.guest.begin(run);
    this.#instance.bind(imports);
  }

  rewind(): boolean {
    this.#instance.bind(undefined);
    this.#instance.component.reset();
    return this.#state.rewind() === 'clean';
  }

  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#onDispose();
  }
}
