/** Bits of `flags`. */
export const REACHED: i32 = 1;
export const WAS_DEAD: i32 = 2;
/** Numbers of a LabelPath, as a shift. */
export const PATH_SHIFT: i32 = 4;

/** What a walk has found of the ways to a label, side by side, so that one access brings all into the cache. */
@unmanaged
export class LabelPath {
  /** Of what has arrived: the greatest distance from a check, and the least depth of loops that is checked. */
  since: i32 = 0;
  checked: i32 = 0;
  flags: i32 = 0;
  /** The least that an arrival brings which pays nothing of what comes before; negative if there is one that should not pay. */
  unpaid: i32 = 0;
  /** What the straight code behind it costs. */
  ahead: i32 = 0;
  /** Of an `if`: the path at its test. */
  testFrom: i32 = 0;
  testCost: i32 = 0;
  testSince: i32 = 0;
  testChecked: i32 = 0;
  /** Of a loop: how many are around its inside, and how many calls stand before it that know nothing of the counter, or throws. */
  loops: i32 = 0;
  callsBefore: i32 = 0;

  @inline
  arrive(since: i32, checked: i32): void {
    // Without branches, which the machine cannot foresee.
    this.since = max(since, this.since);
    this.checked = min(checked, this.checked);
    this.flags |= REACHED;
  }
}
