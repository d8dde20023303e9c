import { type BoundName, tooComplex, UPLOAD_BOUNDS } from './refusal.ts';

/** Counts what an upload declares over all of its modules and components; throws `component_too_complex`. */
export class StructureBudget {
  readonly #used = new Map<BoundName, number>();

  /** Adds to a sum over the whole upload. */
  add(bound: BoundName, count: number): void {
    const sum = (this.#used.get(bound) ?? 0) + count;
    this.#used.set(bound, sum);
    this.check(bound, sum);
  }

  /** Checks a value that is not summed, such as a depth. */
  check(bound: BoundName, value: number): void {
    if (value > UPLOAD_BOUNDS[bound]) throw tooComplex(bound, value);
  }

  /** What is left of a sum. */
  left(bound: BoundName): number {
    return UPLOAD_BOUNDS[bound] - (this.#used.get(bound) ?? 0);
  }
}
