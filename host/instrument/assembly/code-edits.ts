/** What is done to a rare instruction. `value` is given in brackets. */
export enum CodeEdit {
  /** Insert a call of the helper that charges by length [kind of length, see LENGTH]. */
  ChargeLength = 0,
  /** Replace memory.grow, opcode and immediate, by a call of its helper [memory]. */
  MemoryGrow = 1,
  /** Replace table.grow, opcode and immediate, by a call of its helper [table]. */
  TableGrow = 2,
  /** Insert, behind memory.size, code that subtracts the headroom from what it gives [memory]. */
  SubtractHeadroom = 3,
  /** Insert a call of the helper that counts an object's [bytes]. */
  Allocate = 4,
  /** Insert a call of the helper that counts an array's bytes by its length [logarithm of its elements' size]. */
  AllocateArray = 5,
}

/** Helpers that charge by length: width of the operand on top of the stack, and what it counts. As LengthKind of edits.ts. */
export enum LengthKind {
  Bytes32 = 0,
  Bytes64 = 1,
  Entries32 = 2,
  Entries64 = 3,
}
