/** Numbers for each edge: where it comes from, its length, and the label it leads to, with a bit for one that pays nothing. */
const WIDTH = 3;
const IS_UNPAID = 2 ** 30;
/** Of one event. */
const MOST_EDGES = 2;
/** Compilers' code needs three rounds over the edges; whatever is left then is found in dispute later. */
const MAX_ROUNDS = 12;

/** The ways of control from one label of a function to another, each as long as the cost of the code in between. */
export class DebtEdges {
  #numbers = new Int32Array(1_024);
  #end = 0;

  /** Forgets all, and makes room for those of a function of `events` events. */
  clear(events: number): void {
    this.#end = 0;
    const most = events * MOST_EDGES * WIDTH;
    if (this.#numbers.length < most) this.#numbers = new Int32Array(most * 2);
  }

  add(from: number, cost: number, label: number): void {
    const numbers = this.#numbers;
    const at = this.#end;
    numbers[at] = from;
    numbers[at + 1] = cost;
    numbers[at + 2] = label;
    this.#end = at + WIDTH;
  }

  /** One that control takes without having paid anything since the label before. */
  addUnpaid(from: number, cost: number, label: number): void {
    this.add(from, cost, label | IS_UNPAID);
  }

  /** Lowers `debts`, by label, until no edge is longer than the difference of its ends. */
  lower(debts: Int32Array): void {
    const numbers = this.#numbers;
    for (let round = 0; round < MAX_ROUNDS; round++) {
      let isChanged = false;
      for (let at = 0; at < this.#end; at += WIDTH) {
        const label = numbers[at + 2]! & ~IS_UNPAID;
        const debt = debts[numbers[at]!]! + numbers[at + 1]!;
        if (debt >= debts[label]!) continue;
        debts[label] = debt;
        isChanged = true;
      }
      if (!isChanged) return;
    }
  }

  /** Tells of each unpaid edge which label it leads to, and what is pending there. */
  eachUnpaid(debts: Int32Array, tell: (label: number, pending: number) => void): void {
    const numbers = this.#numbers;
    for (let at = 0; at < this.#end; at += WIDTH) {
      const label = numbers[at + 2]!;
      if ((label & IS_UNPAID) !== 0) tell(label & ~IS_UNPAID, debts[numbers[at]!]! + numbers[at + 1]!);
    }
  }
}
