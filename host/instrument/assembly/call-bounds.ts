import { BOUNDED_CALL } from '../cost-model.ts';
import { Ints } from './arrays.ts';
import { ModuleFacts } from './module-facts.ts';

const NOT_VISITED = 0;
const UNBOUNDED = -1;
const OPEN = -2;

/**
 * Which functions cost at most BOUNDED_CALL with all that they call, whatever way they take: no loop, no recursion, no
 * call of anything that is not known. A call of one needs no check, since it counts as straight code does. Filled while
 * functions are read for the first time; plain data for the second.
 */
export class CallBounds {
  private readonly facts: ModuleFacts;
  /** By the number of the defined function: where its calls start among `calls`, and its own cost, or UNBOUNDED. */
  private readonly starts: Ints;
  private readonly costs: Ints;
  private calls: Ints = Ints.of(1_024);
  private length: i32 = 0;

  constructor(facts: ModuleFacts) {
    this.facts = facts;
    this.starts = Ints.of(facts.bodies + 1);
    this.costs = Ints.of(facts.bodies);
    this.costs.fill(UNBOUNDED);
  }

  /** The function that is being read calls `callee`, and so does not need to be the last word on its cost. */
  addCall(callee: i32): void {
    if (this.length === this.calls.length) this.calls = Ints.grown(this.calls, this.length + 1);
    this.calls[this.length++] = callee;
  }

  /** The defined function `index` has been read; functions are read in the order of their numbers. */
  close(index: i32, cost: i32, isBounded: bool): void {
    if (isBounded && cost <= BOUNDED_CALL) this.costs[index] = cost;
    else this.length = this.starts[index];
    this.starts[index + 1] = this.length;
  }

  /**
   * The bound of each function, by its index, imported ones included; 0 for none. Only those that take the counter can
   * have one: others settle, and may be called from anywhere. Linear in the number of functions and calls noted.
   */
  resolve(): Ints {
    const bodies = this.costs.length;
    const bounds = Ints.of(bodies);
    const stack = Ints.of(bodies);
    const next = Ints.grown(this.starts, 0);
    const imported = this.facts.importedFunctions;
    for (let root = 0; root < bodies; root++) {
      let depth = 0;
      stack[0] = root;
      while (depth >= 0) {
        const index = stack[depth];
        if (bounds[index] === NOT_VISITED) {
          const cost = this.costs[index];
          const isCandidate = cost >= 0 && this.facts.isPassing(imported + index);
          bounds[index] = isCandidate ? OPEN : UNBOUNDED;
        }
        let isDescending = false;
        while (bounds[index] === OPEN && next[index] < this.starts[index + 1]) {
          const callee = this.calls[next[index]] - imported;
          const bound = callee < 0 ? UNBOUNDED : bounds[callee];
          if (bound === NOT_VISITED) {
            stack[++depth] = callee;
            isDescending = true;
            break;
          }
          next[index]++;
          const sum = this.costs[index] + bound;
          if (bound < 0 || sum > BOUNDED_CALL) bounds[index] = UNBOUNDED;
          else this.costs[index] = sum;
        }
        if (isDescending) continue;
        // A bound of 0 would say that there is none; what costs nothing is let go as if it cost 1.
        if (bounds[index] === OPEN) bounds[index] = max(1, this.costs[index]);
        depth--;
      }
    }
    const resolved = Ints.of(imported + bodies);
    for (let index = 0; index < bodies; index++) resolved[imported + index] = max(0, bounds[index]);
    return resolved;
  }
}
