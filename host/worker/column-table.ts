import { MayflyError } from '../errors/errors.ts';

export interface ColumnTableOptions {
  readonly first: number;
  readonly columns: number;
  /** Whether nothing counts in a column any more. */
  readonly isIdle: (column: number) => boolean;
}

/**
 * Which column of the quota table belongs to whom. One that was given up is used again once it is idle: what still runs
 * for somebody who is gone must not count against somebody else.
 */
export class ColumnTable<T> {
  readonly #options: ColumnTableOptions;
  readonly #columns = new Map<string, number>();
  readonly #owners = new Map<number, T>();
  readonly #given = new Set<number>();
  #next: number;

  constructor(options: ColumnTableOptions) {
    this.#options = options;
    this.#next = options.first;
  }

  /** The column of `key`, which gets one now if it has none. */
  of(key: string, owner: (column: number) => T): { readonly column: number; readonly isNew: boolean } {
    const known = this.#columns.get(key);
    if (known !== undefined) return { column: known, isNew: false };
    const column = this.#take();
    this.#columns.set(key, column);
    this.#owners.set(column, owner(column));
    return { column, isNew: true };
  }

  find(key: string): number | undefined {
    return this.#columns.get(key);
  }

  owner(column: number): T | undefined {
    return this.#owners.get(column);
  }

  entries(): [owner: T, column: number][] {
    return [...this.#owners].map(([column, owner]) => [owner, column]);
  }

  free(key: string): void {
    const column = this.#columns.get(key);
    if (column === undefined) return;
    this.#columns.delete(key);
    this.#owners.delete(column);
    this.#given.add(column);
  }

  #take(): number {
    for (const column of this.#given) {
      if (!this.#options.isIdle(column)) continue;
      this.#given.delete(column);
      return column;
    }
    if (this.#next >= this.#options.columns) {
      throw new MayflyError('internal_error', 'More tenants or functions are in use than there are columns.');
    }
    return this.#next++;
  }
}
