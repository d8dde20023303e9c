/**
 * How many invocations of each function run, over all threads.
 *
 * Every thread counts in a row of its own, so that a thread which dies takes its counts with it: the main
 * thread clears the row. A function's total is the sum down its column. Two threads may both see the last
 * free place and both step back; nobody is admitted beyond the cap.
 */

/** Columns: functions that can have a row index at one time. */
export const ADMISSION_FUNCTIONS = 65_536;

export function createAdmissionTable(threads: number): SharedArrayBuffer {
  return new SharedArrayBuffer(threads * ADMISSION_FUNCTIONS * Int32Array.BYTES_PER_ELEMENT);
}

export class Admission {
  readonly #rows: readonly Int32Array[];
  readonly #own: Int32Array;

  constructor(table: SharedArrayBuffer, thread: number) {
    const bytes = ADMISSION_FUNCTIONS * Int32Array.BYTES_PER_ELEMENT;
    this.#rows = Array.from(
      { length: table.byteLength / bytes },
      (_, row) => new Int32Array(table, row * bytes, ADMISSION_FUNCTIONS),
    );
    const own = this.#rows[thread];
    if (own === undefined) throw new RangeError(`the admission table has no row ${thread}`);
    this.#own = own;
  }

  /** Takes a place, unless `cap` are taken. Every success needs one {@link leave}. */
  enter(index: number, cap: number): boolean {
    Atomics.add(this.#own, index, 1);
    let running = 0;
    for (const row of this.#rows) running += Atomics.load(row, index);
    if (running <= cap) return true;
    Atomics.sub(this.#own, index, 1);
    return false;
  }

  leave(index: number): void {
    Atomics.sub(this.#own, index, 1);
  }
}

/** For the main thread: forgets what a thread that died was running. */
export function clearAdmissions(table: SharedArrayBuffer, thread: number): void {
  const bytes = ADMISSION_FUNCTIONS * Int32Array.BYTES_PER_ELEMENT;
  new Int32Array(table, thread * bytes, ADMISSION_FUNCTIONS).fill(0);
}
