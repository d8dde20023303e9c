import { EDIT, type EditList } from './edits.ts';

/** What control does at a point of a function. Everything between two of them is straight code. */
export const FLOW = {
  entry: 0,
  /** `block`, `try`, `try_table`. */
  block: 1,
  loop: 2,
  if: 3,
  else: 4,
  /** The handler of a legacy `try`. */
  catch: 5,
  end: 6,
  branch: 7,
  branchIf: 8,
  /** `br_table`, all but its last label; the last one is a `branchTable`. */
  branchTableLabel: 9,
  branchTable: 10,
  /** `return`, and a tail call, which leaves the frame behind. */
  leave: 11,
  tailCall: 12,
  /** `unreachable`. */
  trap: 13,
  throw: 14,
  call: 15,
  /** A label outside of a `try_table` that its handlers go to; stands before the block. */
  handler: 16,
  /** A call that passes the counter on and gets it back. */
  passingCall: 17,
  /** Nothing: straight code that costs very much is cut into pieces. */
  point: 18,
} as const;

/** Costs of a stretch above this are passed on at once. */
const LARGE = 2 ** 20;

/** How a frame ends. */
const PLAIN = 0;
const LOOP = 1;
const IF = 2;

/**
 * The control flow of one function as flat arrays: plain data, which placement.ts reads several times over, where
 * reading the code again would take ten times as long. Dead code is left out. Each event has two slots among
 * the edits, directly before its instruction and directly behind it, for what placement decides to insert.
 */
export class FlowRecorder {
  readonly edits: EditList;
  length = 0;
  kinds: Uint8Array = new Uint8Array(1_024);
  /** Cost of the straight code before the event, the event's own instruction included. */
  costs: Int32Array = new Int32Array(1_024);
  /** Slot before the instruction; the one behind is the next, where the kind has one. */
  slots: Int32Array = new Int32Array(1_024);
  /** Label of a branch; of a call that passes the counter, the bound on its cost; of a loop, whether anything in it calls or throws (1), or it takes parameters (2); of an `if`, whether it has an `else`. */
  args: Int32Array = new Int32Array(1_024);
  /** Blocks open at this point, the body not counted, and the deepest seen. */
  depth = 0;
  maxDepth = 0;
  isDead = false;
  /** Whether anything calls what knows nothing of the counter, or throws. */
  hasCalls = false;
  hasPassingCalls = false;
  /** Whether a branch leads to the end of the body. */
  isBodyTarget = false;
  hasLoops = false;
  /** Cost of all code of the function: nothing is placed in one that is free. */
  total = 0;
  /** Only what the first pass needs: depth, and whether anything costs. */
  isRecording = false;
  #cost = 0;
  #deadDepth = 0;
  readonly #frameKinds: Uint8Array;
  readonly #frameEvents: Int32Array;
  readonly #frameCalls: Uint8Array;

  constructor(edits: EditList, maxDepth: number) {
    this.edits = edits;
    this.#frameKinds = new Uint8Array(maxDepth + 1);
    this.#frameEvents = new Int32Array(maxDepth + 1);
    this.#frameCalls = new Uint8Array(maxDepth + 1);
  }

  enter(offset: number, cost: number): void {
    this.length = 0;
    this.depth = 0;
    this.isDead = false;
    this.hasCalls = false;
    this.hasPassingCalls = false;
    this.isBodyTarget = false;
    this.hasLoops = false;
    this.total = 0;
    this.#cost = cost;
    this.#event(FLOW.entry, 0, offset, -1);
  }

  add(cost: number): void {
    this.#cost += cost;
  }

  /** The same of an instruction at `at` that may cost thousands: sums are kept below what 32 bits hold. */
  addLarge(cost: number, at: number): void {
    this.#cost += cost;
    if (this.#cost > LARGE && !this.isDead) this.#event(FLOW.point, 0, at, -1);
  }

  /** The start of a block of any kind but a loop or an `if`. */
  block(at: number): void {
    this.#push(PLAIN, FLOW.block, at, -1);
  }

  loop(at: number, after: number): void {
    this.hasLoops = true;
    const event = this.length;
    this.#push(LOOP, FLOW.loop, at, after);
    // A block type of more than one byte may have parameters.
    if (this.isRecording && !this.isDead && after - at > 2) this.args[event] = 2;
  }

  if(at: number, after: number): void {
    this.#push(IF, FLOW.if, at, after);
  }

  /** False if the innermost block is not an `if` that may have an `else`. */
  else(at: number, after: number): boolean {
    const top = this.depth - 1;
    if (top < 0 || this.#frameKinds[top] !== IF) return false;
    this.#frameKinds[top] = PLAIN;
    const isLive = !this.isDead || this.#deadDepth >= this.depth;
    if (isLive && this.isRecording) this.args[this.#frameEvents[top]!] = 1;
    this.#arm(FLOW.else, at, after);
    return true;
  }

  /** The handler of a legacy `try`. False outside of a block. */
  catch(at: number, after: number): boolean {
    if (this.depth === 0) return false;
    this.#arm(FLOW.catch, at, after);
    return true;
  }

  /** The end of the innermost block (`end`, `delegate`), or of the function, for which it returns true. */
  end(at: number, after: number): boolean {
    const top = this.depth - 1;
    // A block that was opened in dead code ends there.
    this.#arm(FLOW.end, at, top < 0 ? -1 : after);
    if (top < 0) return true;
    this.depth = top;
    if (this.#frameCalls[top]) {
      if (this.#frameKinds[top] === LOOP && this.isRecording) this.args[this.#frameEvents[top]!]! |= 1;
      if (top > 0) this.#frameCalls[top - 1] = 1;
    }
    return false;
  }

  /** Whether `label` exists; notes that control may go there. */
  branch(kind: number, label: number, at: number, after = -1): boolean {
    if (label > this.depth) return false;
    if (label === this.depth) this.isBodyTarget = true;
    if (!this.isDead) this.#event(kind, label, at, after);
    return true;
  }

  call(at: number): void {
    if (this.isDead) return;
    this.hasCalls = true;
    if (this.depth > 0) this.#frameCalls[this.depth - 1] = 1;
    this.#event(FLOW.call, 0, at, -1);
  }

  /** `bound` is what the call is certain not to exceed, 0 if that is not known. */
  passingCall(at: number, bound: number): void {
    if (this.isDead) return;
    this.hasPassingCalls = true;
    this.#event(FLOW.passingCall, bound, at, -1);
  }

  /** Control does not pass this point; whatever needs recording there has been. */
  terminate(): void {
    if (this.isDead) return;
    this.isDead = true;
    this.#deadDepth = this.depth;
  }

  /** `return`, `throw` and the like. */
  leave(kind: number, at: number): void {
    if (this.isDead) return;
    if (kind === FLOW.throw || kind === FLOW.tailCall) {
      this.hasCalls = true;
      if (this.depth > 0) this.#frameCalls[this.depth - 1] = 1;
    }
    this.#event(kind, 0, at, -1);
    this.terminate();
  }

  #push(frame: number, kind: number, at: number, after: number): void {
    const top = this.depth++;
    if (this.depth > this.maxDepth) this.maxDepth = this.depth;
    this.#frameKinds[top] = frame;
    this.#frameCalls[top] = 0;
    this.#frameEvents[top] = this.length;
    if (!this.isDead) this.#event(kind, 0, at, after);
  }

  /** Behind here code lives again, if only because a block ends: what precedes may be dead. */
  #arm(kind: number, at: number, after: number): void {
    if (this.isDead) {
      if (this.#deadDepth < this.depth) return;
      this.isDead = false;
      this.#cost = 0;
    }
    this.#event(kind, 0, at, after);
  }

  #event(kind: number, arg: number, at: number, after: number): void {
    const cost = this.#cost;
    this.total += cost;
    this.#cost = 0;
    if (!this.isRecording) return;
    const index = this.length++;
    if (index === this.kinds.length) this.#grow();
    this.kinds[index] = kind;
    this.args[index] = arg;
    this.costs[index] = cost;
    this.slots[index] = this.edits.add(at, EDIT.none, 0);
    if (after >= 0) this.edits.add(after, EDIT.none, 0);
  }

  #grow(): void {
    const size = this.kinds.length * 2;
    const grow = <T extends Uint8Array | Int32Array>(to: T, from: T): T => {
      to.set(from);
      return to;
    };
    this.kinds = grow(new Uint8Array(size), this.kinds);
    this.costs = grow(new Int32Array(size), this.costs);
    this.slots = grow(new Int32Array(size), this.slots);
    this.args = grow(new Int32Array(size), this.args);
  }
}
