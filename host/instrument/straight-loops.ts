import type { ChargeSlots } from './charge-slots.ts';
import { CHECK_INTERVAL } from './cost-model.ts';
import { type CountedLoop, readCountedLoop } from './counted-loop.ts';
import { EDIT, type EditList } from './edits.ts';
import { FLOW, type FlowRecorder } from './flow.ts';

/** A straight loop that does not count. */
const NOT_COUNTED = 'not counted';

/**
 * Loops of one straight piece of code with the branch to its head behind it. Their check stands in a loop around, so
 * that the engine finds no call in the inner one, unrolls it, and looks for interrupts as rarely as in the original.
 * If the loop counts (counted-loop.ts), it is charged there too, for many turns at once; else it is left for its check
 * when the counter is full.
 */
export class StraightLoops {
  /** Those of the function placed last that count. */
  readonly counted: CountedLoop[] = [];
  /** What was read of the loops of the function that is being placed, by their events: it is walked several times. */
  readonly #known = new Map<number, CountedLoop | typeof NOT_COUNTED>();
  readonly #bytes: Uint8Array;
  readonly #flow: FlowRecorder;
  readonly #edits: EditList;
  readonly #slots: ChargeSlots;

  constructor(bytes: Uint8Array, flow: FlowRecorder, edits: EditList, slots: ChargeSlots) {
    this.#bytes = bytes;
    this.#flow = flow;
    this.#edits = edits;
    this.#slots = slots;
  }

  /** Starts with a function. */
  enter(): void {
    if (this.#known.size > 0) this.#known.clear();
  }

  /** Whether the loop that `event` opens is one. */
  has(event: number): boolean {
    const { kinds, args, costs, slots, length } = this.#flow;
    return (
      event + 2 < length &&
      kinds[event + 1] === FLOW.branchIf &&
      args[event + 1] === 0 &&
      kinds[event + 2] === FLOW.end &&
      args[event] === 0 &&
      costs[event + 1]! <= CHECK_INTERVAL &&
      this.#edits.kind(slots[event]!) === EDIT.none
    );
  }

  /** Fills its slots. Returns what may have been charged behind the last check when it is left. */
  place(event: number): number {
    const { costs, slots } = this.#flow;
    const cost = costs[event + 1]!;
    const [slot, branchSlot, endSlot] = [slots[event]!, slots[event + 1]!, slots[event + 2]!];
    const from = this.#edits.offset(slot + 1);
    let loop = this.#known.get(event);
    if (loop === undefined) {
      loop = readCountedLoop(this.#bytes, from, this.#edits.offset(branchSlot), cost) ?? NOT_COUNTED;
      this.#known.set(event, loop);
    }
    this.#slots.usesCounter = true;
    if (loop === NOT_COUNTED) {
      this.#slots.set(slot, EDIT.openChunks, 0);
      this.#slots.set(slot + 1, EDIT.chunkCharge, cost);
      this.#slots.set(endSlot, EDIT.closeBody, 0);
      return cost;
    }
    const number = this.counted.push(loop) - 1;
    this.#slots.set(slot, EDIT.openCounted, number);
    this.#slots.set(branchSlot, EDIT.countedCondition, number);
    this.#slots.set(endSlot, EDIT.closeCounted, number);
    return 0;
  }
}
