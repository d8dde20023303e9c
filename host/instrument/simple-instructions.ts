import { OPCODE_COST } from './cost-model.ts';
import { EDIT, type EditList } from './edits.ts';
import type { FlowRecorder } from './flow.ts';
import type { ModuleLayout } from './module-layout.ts';
import { SIMPLE, SIMPLE_SHAPES } from './opcodes.ts';
import type { Cursor } from './reader.ts';

/** No instruction that is read here is longer. */
const LONGEST = 10;

/**
 * Reads what makes up nearly all code: instructions without an immediate, locals, constants, loads and stores, with
 * immediates of at most four bytes. Whatever is odd is left to function-analysis.ts, whose loop took twice as long for
 * all of the code. Shares its state.
 */
export class SimpleInstructions {
  readonly #cursor: Cursor;
  readonly #flow: FlowRecorder;
  readonly #layout: ModuleLayout;
  readonly #edits: EditList;

  constructor(cursor: Cursor, flow: FlowRecorder, layout: ModuleLayout, edits: EditList) {
    this.#cursor = cursor;
    this.#flow = flow;
    this.#layout = layout;
    this.#edits = edits;
  }

  /** Moves the cursor to the next instruction of another kind, in a function of `locals`, of which `moved` is `movedTo`. */
  read(locals: number, moved: number, movedTo: number): void {
    const cursor = this.#cursor;
    const { bytes } = cursor;
    const hasMemory = this.#layout.memories64.length > 0;
    const end = cursor.end - LONGEST;
    let pos = cursor.pos;
    let cost = 0;
    while (pos < end) {
      const opcode = bytes[pos]!;
      const shape = SIMPLE_SHAPES[opcode];
      let next = pos + 1;
      if (shape === SIMPLE.local) {
        const index = bytes[next++]!;
        if (index >= 0x80 || index >= locals) break;
        if (index === moved) this.#edits.add(pos + 1, EDIT.localIndex, movedTo);
      } else if (shape === SIMPLE.memory) {
        if (!hasMemory || bytes[next++]! >= 0x40) break;
        while (bytes[next]! >= 0x80) next++;
        if (next++ > pos + 5) break;
      } else if (shape === SIMPLE.constant) {
        while (bytes[next]! >= 0x80) next++;
        if (next++ > pos + 4) break;
      } else if (shape !== SIMPLE.bare) break;
      pos = next;
      cost += OPCODE_COST[opcode]!;
    }
    cursor.pos = pos;
    this.#flow.add(cost);
  }
}
