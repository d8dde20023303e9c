import type { CoreState } from './core-state.ts';
import { KernelError } from './memory-kernel.ts';
import type { Road } from './road.ts';
import type { SlotMemory } from './slot-memory.ts';
import { SlotTable } from './slot-table.ts';

/**
 * What came of a rewind. After anything but `clean` the slot is dropped and another one made.
 *
 * - `memory-grown`, `table-grown`: neither can shrink.
 * - `single-use`: its state cannot be put back, or nobody wants it to be.
 * - `failed`: the kernel refused, which it did not when the slot was made.
 */
export type RewindOutcome = 'clean' | 'memory-grown' | 'table-grown' | 'single-use' | 'failed';

/** The state of the core instances of one slot, which it owns together with the thread it lives on. */
export class SlotState {
  readonly #memories: readonly SlotMemory[];
  readonly #tables: readonly SlotTable[];
  readonly #globals: readonly WebAssembly.Global[];
  readonly #values: readonly unknown[];
  readonly #isSingleUse: boolean;

  constructor(state: CoreState | undefined, memories: readonly SlotMemory[]) {
    this.#memories = memories;
    this.#tables = state?.tables.map((table) => new SlotTable(table)) ?? [];
    this.#globals = state?.globals ?? [];
    this.#values = this.#globals.map((global) => global.value);
    this.#isSingleUse = state === undefined || memories.some(({ road }) => road === 'fresh');
  }

  /** The roads that its memories take. */
  get roads(): readonly Road[] {
    return this.#isSingleUse ? ['fresh'] : this.#memories.map(({ road }) => road);
  }

  /** Memory that it has to itself after a rewind, about. */
  get keptBytes(): number {
    return this.#memories.reduce((sum, memory) => sum + memory.keptBytes, 0);
  }

  /** It will not be used again. */
  dispose(): void {
    for (const memory of this.#memories) memory.retire();
  }

  /** Puts everything back as it was captured. No code of the slot may be running or parked. */
  rewind(): RewindOutcome {
    if (this.#isSingleUse) return 'single-use';
    for (const memory of this.#memories) if (memory.hasGrown()) return 'memory-grown';
    for (const table of this.#tables) if (table.hasGrown()) return 'table-grown';
    try {
      for (const memory of this.#memories) memory.rewind();
    } catch (error) {
      if (error instanceof KernelError) return 'failed';
      throw error;
    }
    for (const table of this.#tables) table.rewind();
    for (let i = 0; i < this.#globals.length; i++) this.#globals[i]!.value = this.#values[i];
    return 'clean';
  }
}
