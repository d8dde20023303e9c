import { Ints } from './arrays.ts';

/** Numbers for each edge: where it comes from, its length, and the label it leads to, with a bit for one that pays nothing. */
export const EDGE_WIDTH: i32 = 3;
/** Of one event. */
const MOST_EDGES = 2;
/** Compilers' code needs three rounds over the edges; whatever is left then is found in dispute later. */
const MAX_ROUNDS = 12;

/** Added to the label of an edge that control takes without having paid anything since the label before. */
export const UNPAID_EDGE: i32 = 1 << 30;
const UNPAID_BIT = 30;

/** The label of an edge that pays nothing, by its third number; BODY of one that does. */
export function unpaidLabel(number: i32): i32 {
  return number & ~UNPAID_EDGE & -(number >>> UNPAID_BIT);
}

/** Writes an edge at `at`, and returns where the next one goes. */
export function putEdge(numbers: Ints, at: i32, from: i32, cost: i32, label: i32): i32 {
  numbers[at] = from;
  numbers[at + 1] = cost;
  numbers[at + 2] = label;
  return at + EDGE_WIDTH;
}

/** The ways of control from one label of a function to another, each as long as the cost of the code in between. */
@final
export class DebtEdges {
  /** What `putEdge` fills from the start, and where it ends. */
  numbers: Ints = Ints.of(1_024);
  end: i32 = 0;

  /** By label, where the first edge from it stands. */
  private firstUses: Ints = Ints.of(256);

  /** Makes room for those of a function of `events` events and `labels` labels. */
  reserve(events: i32, labels: i32): void {
    const most = events * MOST_EDGES * EDGE_WIDTH;
    if (this.numbers.length < most) this.numbers = Ints.of(max(most, this.numbers.length * 2));
    if (this.firstUses.length < labels) this.firstUses = Ints.of(max(labels, this.firstUses.length * 2));
  }

  /**
   * Lowers `debts`, of `labels` labels, until no edge is longer than the difference of its ends. Edges stand in the order of the code,
   * and so most behind all that lead to where they begin: another round is needed only if one was looked at too early.
   */
  lower(debts: Ints, labels: i32): void {
    const numbers = this.numbers;
    const end = this.end;
    const uses = this.firstUses;
    for (let label = 0; label < labels; label++) uses[label] = end;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      /** Negative if a label was lowered behind an edge that begins there. */
      let early = 0;
      // Without a branch on what is found, which the machine cannot foresee.
      for (let at = 0; at < end; at += EDGE_WIDTH) {
        const from = numbers[at];
        const label = numbers[at + 2] & ~UNPAID_EDGE;
        uses[from] = min(uses[from], at);
        const owed = debts[label];
        const debt = min(owed, debts[from] + numbers[at + 1]);
        debts[label] = debt;
        early |= (debt - owed) & (uses[label] - at - 1);
      }
      if (early >= 0) return;
    }
  }
}
