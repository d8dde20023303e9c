/**
 * Memories that are larger than their code knows.
 *
 * A memory cannot shrink, so a slot whose guest has grown one cannot be rewound; and nearly every guest grows its
 * memory in its first request, when the allocator finds the last page full. So the host grows it ahead, and the code
 * that metering wrote tells the guest otherwise: `memory.size` leaves the headroom out, `memory.grow` takes from it
 * first. Putting one number back undoes all growing within it.
 *
 * 1. All modules that see a memory's size share one headroom for it.
 * 2. All slots of a function start with the same headroom: an address beyond the guest's size but within the headroom
 *    reads zero and does not trap, which must not tell a used slot from a new one.
 */
import { headroomImport } from '../../instrument/meter-imports.ts';
import type { ModuleState } from '../../model/module-state.ts';

type Headroom = WebAssembly.Global<'i32'>;

/**
 * 4 MiB; a QuickJS guest takes 64 KiB in its first request. Where the kernel does not say what was touched, all of it
 * is put back each time; and it is the same on every machine (invariant 2).
 */
export const HEADROOM_PAGES = 64;

/** As many memories as a module may have (instrument/bounds.ts). */
const MAX_MEMORIES = 16;

/** For instances that are used once: every memory is as large as its code says. */
export const NO_HEADROOM: Readonly<Record<string, Headroom>> = Object.fromEntries(
  Array.from({ length: MAX_MEMORIES }, (_, memory) => [headroomImport(memory), createHeadroom()]),
);

function createHeadroom(): Headroom {
  return new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
}

/** The headrooms of one component instance. */
export class MemoryHeadrooms {
  readonly #headrooms = new Map<WebAssembly.Memory, Headroom>();

  /** What a module imports from the meter on this account; `imports` are its others. */
  importsFor(state: ModuleState, imports: WebAssembly.Imports): Record<string, Headroom> {
    const given: Record<string, Headroom> = {};
    for (const { memory, from } of state.headrooms) {
      const imported = from === null ? undefined : imports[from[0]]?.[from[1]];
      given[headroomImport(memory)] =
        imported instanceof WebAssembly.Memory ? this.#of(imported) : createHeadroom();
    }
    return given;
  }

  /** Once the module is instantiated: which memories those are that it defines. */
  note(state: ModuleState, given: Record<string, Headroom>, exports: WebAssembly.Exports): void {
    for (const { memory, from } of state.headrooms) {
      const defined = exports[state.memories[memory] ?? ''];
      if (from === null && defined instanceof WebAssembly.Memory)
        this.#headrooms.set(defined, given[headroomImport(memory)]!);
    }
  }

  /** State like that of other globals: whoever rewinds puts them back. */
  get globals(): readonly WebAssembly.Global[] {
    return [...this.#headrooms.values()];
  }

  /**
   * Grows every memory by `pages`, or as far as it may; before its state is captured. Memories of 64-bit addresses
   * are left as they are.
   */
  grow(pages: number = HEADROOM_PAGES): void {
    for (const [memory, headroom] of this.#headrooms) {
      for (let step = pages; step >= 1; ) {
        try {
          memory.grow(step);
          headroom.value += step;
          if (headroom.value >= pages) break;
        } catch {
          // Beyond its maximum or what the engine can do, which JavaScript cannot see.
          step = Math.floor(step / 2);
        }
        step = Math.min(step, pages - headroom.value);
      }
    }
  }

  #of(memory: WebAssembly.Memory): Headroom {
    const known = this.#headrooms.get(memory);
    if (known !== undefined) return known;
    const headroom = createHeadroom();
    this.#headrooms.set(memory, headroom);
    return headroom;
  }
}
