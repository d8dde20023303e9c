import type { PathAccount } from './path-account.ts';

/** The blocks around a point of a function, by their depth; 0 is the body. */
export class OpenBlocks {
  /** The event that opened each. */
  readonly event: Int32Array;
  /** Loops around its inside, itself included. */
  readonly loops: Int32Array;
  readonly isLoop: Uint8Array;
  /** The event that opened each loop, by the depth of loops. */
  readonly #loopEvents: Int32Array;
  /** An `if` whose other arm, or want of one, is still to come. */
  readonly hasOtherArm: Uint8Array;
  /** Whether control did not come to its start. */
  readonly wasDead: Uint8Array;
  /** The path at the test of an `if`. */
  readonly testPending: Int32Array;
  readonly testSince: Int32Array;
  readonly testChecked: Int32Array;
  readonly testDirty: Uint8Array;

  constructor(maxDepth: number) {
    const size = maxDepth + 2;
    this.event = new Int32Array(size);
    this.loops = new Int32Array(size);
    this.isLoop = new Uint8Array(size);
    this.#loopEvents = new Int32Array(size);
    this.hasOtherArm = new Uint8Array(size);
    this.wasDead = new Uint8Array(size);
    this.testPending = new Int32Array(size);
    this.testSince = new Int32Array(size);
    this.testChecked = new Int32Array(size);
    this.testDirty = new Uint8Array(size);
  }

  open(frame: number, event: number, isLoop: boolean, path: PathAccount): void {
    this.event[frame] = event;
    this.isLoop[frame] = isLoop ? 1 : 0;
    this.loops[frame] = path.loopDepth;
    this.hasOtherArm[frame] = 0;
    this.wasDead[frame] = path.isDead ? 1 : 0;
  }

  enterLoop(loopDepth: number, event: number): void {
    this.#loopEvents[loopDepth] = event;
  }

  /** The event that opened the innermost loop; -1 if there is none around. */
  innermostLoop(loopDepth: number): number {
    return loopDepth > 0 ? this.#loopEvents[loopDepth]! : -1;
  }

  /** Keeps the path at the test of an `if` for its other arm. */
  keep(frame: number, path: PathAccount): void {
    this.hasOtherArm[frame] = 1;
    this.testPending[frame] = path.pending;
    this.testSince[frame] = path.since;
    this.testChecked[frame] = path.checked;
    this.testDirty[frame] = path.isDirty ? 1 : 0;
  }

  /** The other arm begins. */
  restore(frame: number, path: PathAccount): void {
    this.hasOtherArm[frame] = 0;
    path.pending = this.testPending[frame]!;
    path.since = this.testSince[frame]!;
    path.checked = this.testChecked[frame]!;
    path.isDirty = this.testDirty[frame] === 1;
    path.isDead = this.wasDead[frame] === 1;
  }
}
