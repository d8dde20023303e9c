import * as flows from './flow.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { BODY } = flows;

/** Numbers for each edge: where it comes from, its length, and the label it leads to, with a bit for one that pays nothing. */
export const EDGE_WIDTH = 3;
/** Of one event. */
const MOST_EDGES = 2;
/** Compilers' code needs three rounds over the edges; whatever is left then is found in dispute later. */
const MAX_ROUNDS = 12;

/** Added to the label of an edge that control takes without having paid anything since the label before. */
export const UNPAID_EDGE = 2 ** 30;

/**
 * Writes an edge at `at`, and returns where the next one goes. A short function of numbers, not a method: so the compiler puts
 * it into the walk, and where the edges end is a variable of the walk.
 */
export function putEdge(numbers: Int32Array, at: number, from: number, cost: number, label: number): number {
  numbers[at] = from;
  numbers[at + 1] = cost;
  numbers[at + 2] = label;
  return at + EDGE_WIDTH;
}

/** The ways of control from one label of a function to another, each as long as the cost of the code in between. */
export class DebtEdges {
  /** What `putEdge` fills from the start, and where it ends. */
  numbers = new Int32Array(1_024);
  end = 0;

  /** Makes room for those of a function of `events` events. */
  reserve(events: number): void {
    const most = events * MOST_EDGES * EDGE_WIDTH;
    if (this.numbers.length < most) this.numbers = new Int32Array(most * 2);
  }

  /** Lowers `debts`, by label, until no edge is longer than the difference of its ends. */
  lower(debts: Int32Array): void {
    const { numbers, end } = this;
    // Those from the entry, where nothing is pending: once is enough.
    for (let at = 0; at < end; at += EDGE_WIDTH) {
      if (numbers[at] !== BODY) continue;
      const label = numbers[at + 2]! & ~UNPAID_EDGE;
      if (numbers[at + 1]! < debts[label]!) debts[label] = numbers[at + 1]!;
    }
    for (let round = 0; round < MAX_ROUNDS; round++) {
      let isChanged = false;
      for (let at = 0; at < end; at += EDGE_WIDTH) {
        const label = numbers[at + 2]! & ~UNPAID_EDGE;
        const debt = debts[numbers[at]!]! + numbers[at + 1]!;
        if (debt >= debts[label]!) continue;
        debts[label] = debt;
        isChanged = true;
      }
      if (!isChanged) return;
    }
  }
}
