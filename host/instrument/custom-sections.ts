import { InstrumentError } from './error.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { MeterPlan } from './plan.ts';
import { Cursor } from './reader.ts';
import { supportName } from './support-functions.ts';
import { ByteSink } from './writer.ts';

/** Custom sections that speak of function indices or code offsets, which metering moves. */
const DROPPED = ['linking', 'sourceMappingURL', 'external_debug_info', 'build_id'];
const DROPPED_PREFIXES = ['reloc.', '.debug_', 'metadata.code.', 'code_annotation'];

export function isKeptCustomSection(name: string): boolean {
  return !DROPPED.includes(name) && !DROPPED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Subsections of the name section (appendix of the core specification, and extended-name-section). */
const MODULE_NAME = 0;
const FUNCTION_NAMES = 1;
const GLOBAL_NAMES = 7;
/** Types, tables, memories, element and data segments, fields, tags keep their indices. */
const UNSHIFTED = [4, 5, 6, 8, 9, 10, 11];

/**
 * The content of the name section, renumbered, so that a trap's stack stays readable; the names of locals and
 * labels are dropped. `cursor` stands behind the section's own name. Undefined if it is malformed, which the
 * specification allows custom sections to be.
 */
export function rewriteNameSection(
  cursor: Cursor,
  layout: ModuleLayout,
  plan: MeterPlan,
): Uint8Array<ArrayBuffer> | undefined {
  const sink = new ByteSink(cursor.remaining + 1_024);
  sink.list([4, 0x6e, 0x61, 0x6d, 0x65]);
  try {
    while (cursor.remaining > 0) {
      const id = cursor.u8();
      const size = cursor.count('bytes of a subsection');
      const part = new Cursor(cursor.bytes, cursor.pos, cursor.pos + size);
      cursor.pos += size;
      if (id === FUNCTION_NAMES) {
        const support = plan.support.map(supportName);
        const supportBase = layout.functionTypes.length;
        renumber(sink, id, part, layout.importedFunctions, plan.functionShift, supportBase, support);
      } else if (id === GLOBAL_NAMES) {
        renumber(sink, id, part, layout.importedGlobals, plan.globalShift, layout.globals, []);
      } else if (id === MODULE_NAME || UNSHIFTED.includes(id)) {
        sink.u8(id);
        sink.u32(size);
        sink.copy(part.bytes, part.pos, part.end);
      }
    }
  } catch (error) {
    if (error instanceof InstrumentError) return undefined;
    throw error;
  }
  return sink.written().slice();
}

/** A name map whose indices from `firstShifted` on move by `shift`, with `added` names at `addedBase`. */
function renumber(
  sink: ByteSink,
  id: number,
  part: Cursor,
  firstShifted: number,
  shift: number,
  addedBase: number,
  added: readonly string[],
): void {
  const count = part.count('names', 2);
  const encoded = added.map((name) => Buffer.from(name));
  const addedBytes = encoded.reduce((sum, { length }) => sum + length + 10, 0);
  sink.u8(id);
  sink.sized(part.remaining + count * 5 + addedBytes + 10, () => {
    sink.u32(count + added.length);
    for (let i = 0; i < count; i++) {
      const index = part.u32();
      if (index >= addedBase) part.fail(`name for unknown index ${index}`);
      const at = part.pos;
      part.skipName();
      sink.u32(index < firstShifted ? index : index + shift);
      sink.copy(part.bytes, at, part.pos);
    }
    encoded.forEach((name, i) => {
      sink.u32(addedBase + shift + i);
      sink.u32(name.length);
      sink.copy(name, 0, name.length);
    });
  });
}
