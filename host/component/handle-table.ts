/**
 * The table of handles of one component instance (CanonicalABI.md, "Table State"): resources, subtasks, waitable sets,
 * ends of streams and futures and error contexts, all in one index space. It belongs to one invocation.
 *
 * 1. Index 0 is never given. A freed index is given again, the last freed one first, as the specification numbers them:
 *    a guest can see the numbers, so that the same calls have to give the same ones, in every invocation.
 * 2. At most HANDLES_PER_TABLE entries live at the same time.
 */

import { HANDLES_PER_TABLE } from '../limits/limits.ts';
import { ComponentTrap } from './component-trap.ts';

/** Says which kind of entry is wanted, and narrows to it. */
type EntryClass<T extends object> = abstract new (...args: never[]) => T;

export class HandleTable {
  readonly #entries: (object | undefined)[] = [undefined];
  readonly #free: number[] = [];

  /** @throws {ComponentTrap} if the table is full */
  add(entry: object): number {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#entries[free] = entry;
      return free;
    }
    const index = this.#entries.length;
    if (index > HANDLES_PER_TABLE) throw new ComponentTrap(`more than ${HANDLES_PER_TABLE} handles`);
    this.#entries.push(entry);
    return index;
  }

  /**
   * @param index as core code gives it, an i32
   * @throws {ComponentTrap} if there is no such entry, or it is of another kind
   */
  get<T extends object>(index: number, kind: EntryClass<T>): T {
    const entry = this.#entries[index >>> 0];
    if (entry === undefined) throw new ComponentTrap(`unknown handle index ${index >>> 0}`);
    if (!(entry instanceof kind)) throw new ComponentTrap(`handle ${index >>> 0} is of another kind`);
    return entry;
  }

  /** Frees the index of an entry that `get` gave. */
  remove(index: number): void {
    this.#entries[index >>> 0] = undefined;
    this.#free.push(index >>> 0);
  }

  /** Live entries, in the order of their indices: what the end of an invocation has to let go. */
  *entries(): IterableIterator<object> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }
}
