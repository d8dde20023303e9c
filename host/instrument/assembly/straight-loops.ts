import { ChargeSlots } from './charge-slots.ts';
import { CountedLoops } from './counted-loop.ts';
import { CountedLoopReader } from './counted-loop-reader.ts';
import { EVENT_WIDTH } from './flow.ts';
import { FunctionFlow } from './function-flow.ts';
import { Insertion, slotBehind } from './insertions.ts';

/** The head of one: the opcode, and the type of a block without parameters. */
const LOOP_BYTES = 2;

/**
 * Loops of one straight piece of code with the branch to its head behind it. Their check stands in a loop around, so
 * that the engine finds no call in the inner one, unrolls it, and looks for interrupts as rarely as in the original.
 * If the loop counts (counted-loop.ts), it is charged there too, for many turns at once; else it is left for its check
 * when the counter is full.
 */
@final
export class StraightLoops {
  /** Those of the function placed last that count. */
  readonly counted: CountedLoops = new CountedLoops();
  private readonly flow: FunctionFlow;
  private readonly slots: ChargeSlots;
  private readonly reader: CountedLoopReader = new CountedLoopReader();

  constructor(flow: FunctionFlow, slots: ChargeSlots) {
    this.flow = flow;
    this.slots = slots;
  }

  /** Starts with a function, or with another pass over it. */
  startWalk(): void {
    this.counted.count = 0;
  }

  /** Whether the loop that `event` opens is one, with nothing inserted before it. */
  has(event: i32): bool {
    return this.flow.isStraightLoop(event) && this.slots.isFree(event);
  }

  /** What the one that `event` opens may have executed behind the last check when it is left: nothing if it counts, else its last turn. */
  sinceCheck(event: i32): i32 {
    return this.read(event) ? 0 : this.flow.at(event + EVENT_WIDTH).cost;
  }

  /** Fills its slots. Returns the same. */
  place(event: i32): i32 {
    const slots = this.slots;
    const branch = event + EVENT_WIDTH;
    const end = branch + EVENT_WIDTH;
    slots.usesCounter = true;
    if (!this.read(event)) {
      const cost = this.flow.at(branch).cost;
      slots.set(event, Insertion.OpenChunks, 0);
      slots.set(slotBehind(event), Insertion.ChunkCharge, cost);
      slots.set(end, Insertion.CloseChunks, 0);
      return cost;
    }
    const number = this.counted.count++;
    slots.set(event, Insertion.OpenCounted, number);
    slots.set(branch, Insertion.CountedCondition, number);
    slots.set(end, Insertion.CloseCounted, number);
    return 0;
  }

  /** Whether it counts; if so, it is the one behind all that are `counted`. */
  private read(event: i32): bool {
    const flow = this.flow;
    const branch = event + EVENT_WIDTH;
    const from = flow.at(event).offset + LOOP_BYTES;
    const loop = this.counted[this.counted.count];
    return this.reader.read(from, flow.at(branch).offset, flow.at(branch).cost, loop);
  }
}
