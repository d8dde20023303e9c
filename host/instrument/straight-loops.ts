import type { ChargeSlots } from './charge-slots.ts';
import { type CountedLoop, readCountedLoop } from './counted-loop.ts';
import * as flows from './flow.ts';
import type { FunctionFlow } from './function-flow.ts';
import * as inserted from './insertions.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { EVENT_WIDTH } = flows;
const { INSERTION, slotBehind } = inserted;

/** A straight loop that does not count. */
const NOT_COUNTED = 'not counted';
/** The head of one: the opcode, and the type of a block without parameters. */
const LOOP_BYTES = 2;

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
  readonly #flow: FunctionFlow;
  readonly #slots: ChargeSlots;

  constructor(bytes: Uint8Array, flow: FunctionFlow, slots: ChargeSlots) {
    this.#bytes = bytes;
    this.#flow = flow;
    this.#slots = slots;
  }

  /** Starts with a function. */
  enter(): void {
    if (this.#known.size > 0) this.#known.clear();
  }

  /** Whether the loop that `event` opens is one, with nothing inserted before it. */
  has(event: number): boolean {
    return this.#flow.isStraightLoop(event) && this.#slots.isFree(event);
  }

  /** Whether it counts; if it does not, its last turn may have been charged behind the last check when it is left. */
  counts(event: number): boolean {
    return this.#read(event) !== NOT_COUNTED;
  }

  /** Fills its slots. */
  place(event: number): void {
    const branch = event + EVENT_WIDTH;
    const end = branch + EVENT_WIDTH;
    const loop = this.#read(event);
    this.#slots.usesCounter = true;
    if (loop === NOT_COUNTED) {
      this.#slots.set(event, INSERTION.openChunks, 0);
      this.#slots.set(slotBehind(event), INSERTION.chunkCharge, this.#flow.costOf(branch));
      this.#slots.set(end, INSERTION.closeChunks, 0);
      return;
    }
    const number = this.counted.push(loop) - 1;
    this.#slots.set(event, INSERTION.openCounted, number);
    this.#slots.set(branch, INSERTION.countedCondition, number);
    this.#slots.set(end, INSERTION.closeCounted, number);
  }

  #read(event: number): CountedLoop | typeof NOT_COUNTED {
    const known = this.#known.get(event);
    if (known !== undefined) return known;
    const flow = this.#flow;
    const branch = event + EVENT_WIDTH;
    const from = flow.offsetOf(event) + LOOP_BYTES;
    const loop =
      readCountedLoop(this.#bytes, from, flow.offsetOf(branch), flow.costOf(branch)) ?? NOT_COUNTED;
    this.#known.set(event, loop);
    return loop;
  }
}
