import { EDIT, type EditList } from './edits.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { MeterPlan } from './plan.ts';
import { Cursor } from './reader.ts';
import type { ByteSink } from './writer.ts';

/** Writes declarations with their edits applied: knows what each stands for, byte by byte. */
export class EditWriter {
  readonly #bytes: Uint8Array;
  readonly #layout: ModuleLayout;
  readonly #plan: MeterPlan;
  readonly #sink: ByteSink;

  constructor(bytes: Uint8Array, layout: ModuleLayout, plan: MeterPlan, sink: ByteSink) {
    this.#bytes = bytes;
    this.#layout = layout;
    this.#plan = plan;
    this.#sink = sink;
  }

  /** Copies `bytes[from..to)` with `edits`, from number `first` on, applied. */
  applyAll(edits: EditList, first: number, from: number, to: number): void {
    let at = from;
    for (let slot = first; slot < edits.length; slot++) {
      const offset = edits.offset(slot);
      if (offset >= to) break;
      this.#sink.copy(this.#bytes, at, offset);
      at = this.#apply(edits.kind(slot), edits.value(slot), offset);
    }
    this.#sink.copy(this.#bytes, at, to);
  }

  /** Writes the EDIT at `offset`, up to which all is written. Returns where the rest starts. */
  #apply(kind: number, value: number, offset: number): number {
    const sink = this.#sink;
    const plan = this.#plan;
    switch (kind) {
      case EDIT.functionIndex:
        sink.u32(value + plan.functionShift);
        return this.#behindInteger(offset);
      case EDIT.globalIndex:
        sink.u32(value + plan.globalShift);
        return this.#behindInteger(offset);
      case EDIT.functionIndices:
        return this.#functionIndices(offset, value);
      case EDIT.exportedFunction:
        sink.u32(plan.entries.get(value) ?? value + plan.functionShift);
        return this.#behindInteger(offset);
      default:
        return offset;
    }
  }

  #behindInteger(offset: number): number {
    let at = offset;
    while (this.#bytes[at]! >= 0x80) at++;
    return at + 1;
  }

  #functionIndices(offset: number, count: number): number {
    const { importedFunctions } = this.#layout;
    const cursor = new Cursor(this.#bytes, offset);
    for (let i = 0; i < count; i++) {
      const index = cursor.u32();
      this.#sink.u32(index < importedFunctions ? index : index + this.#plan.functionShift);
    }
    return cursor.pos;
  }
}
