import { ByteSink } from './byte-sink.ts';

/** A hint's length, and what it says. */
const UNLIKELY = 0x00_01;
const UNLIKELY_BYTES = 2;

/**
 * Collects which branches are unlikely, for the section that says so (branch hinting proposal, appendix on code metadata), which
 * the host writes around it. Without it V8 keeps nothing in registers across a check, since the call on its far side could be
 * the common way: the short loops of a hash were half as fast.
 */
@final
export class BranchHints {
  /** The functions that have any, and how many they are. Complete behind `close`. */
  readonly functions: ByteSink = new ByteSink(1_024);
  functionCount: i32 = 0;
  private readonly hints: ByteSink = new ByteSink(256);
  private hintCount: i32 = 0;
  private functionIndex: i32 = -1;
  private bodyAt: i32 = 0;

  /** The function whose branches follow; its body, locals included, starts at `bodyAt`. */
  enter(functionIndex: i32, bodyAt: i32): void {
    this.functionIndex = functionIndex;
    this.bodyAt = bodyAt;
  }

  /** The `if` at `at` is seldom taken. */
  unlikely(at: i32): void {
    this.hintCount++;
    this.hints.u32(at - this.bodyAt);
    this.hints.word(UNLIKELY, UNLIKELY_BYTES);
  }

  /** All branches of the function are known. */
  close(): void {
    if (this.hintCount === 0) return;
    this.functionCount++;
    this.functions.u32(this.functionIndex);
    this.functions.u32(this.hintCount);
    this.functions.append(this.hints);
    this.hintCount = 0;
    this.hints.clear();
  }
}
