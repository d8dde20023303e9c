/** What a loop compares its index with, or steps by: a constant, or a local that the loop does not write. */
@final
export class LoopOperand {
  isLocal: bool = false;
  /** The constant, or the local's number. */
  value: i32 = 0;

  set(isLocal: bool, value: i32): void {
    this.isLocal = isLocal;
    this.value = value;
  }
}

/**
 * A loop of straight code that goes on while `index` compares with `bound`, and adds `step` to `index` once on each
 * turn: how many turns are certain is known before the first one.
 */
@final
export class CountedLoop {
  index: i32 = 0;
  readonly bound: LoopOperand = new LoopOperand();
  /** The comparison's opcode, with `index` on its left. */
  comparison: i32 = 0;
  readonly step: LoopOperand = new LoopOperand();
  /** Fuel of one turn. */
  cost: i32 = 0;
}

/** Those of one function, by their numbers. Its objects serve all functions of a module. */
@final
export class CountedLoops {
  count: i32 = 0;
  private readonly loops: CountedLoop[] = [];

  /** The one of that number; `count` is that of the one to be filled next. */
  @operator('[]')
  at(number: i32): CountedLoop {
    if (number === this.loops.length) this.loops.push(new CountedLoop());
    return this.loops[number];
  }
}
