import { EDIT, type EditList } from './edits.ts';
import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import type { ModuleLayout } from './module-layout.ts';
import type { Cursor } from './reader.ts';
import { skipHeapType } from './value-types.ts';

/** An index below `count`, or malformed: a dangling one must not come to mean something that is appended. */
export function readIndex(cursor: Cursor, count: number, what: string): number {
  const at = cursor.pos;
  const index = cursor.u32();
  if (index >= count) cursor.fail(`unknown ${what} ${index}`, at);
  return index;
}

/** Notes a function index in `edits` if inserting imports is going to shift it. */
export function readFunctionIndex(cursor: Cursor, layout: ModuleLayout, edits: EditList): number {
  const at = cursor.pos;
  const index = readIndex(cursor, layout.functionTypes.length, 'function');
  if (index >= layout.importedFunctions) edits.add(at, EDIT.functionIndex, index);
  return index;
}

export function readGlobalIndex(cursor: Cursor, layout: ModuleLayout, edits: EditList): number {
  const at = cursor.pos;
  const index = readIndex(cursor, layout.globals, 'global');
  if (index >= layout.importedGlobals) edits.add(at, EDIT.globalIndex, index);
  return index;
}

/** Constant expressions (core specification 3.4.14, with extended-const and garbage collection), up to `end`. */
export function scanConstantExpression(
  cursor: Cursor,
  layout: ModuleLayout,
  features: FeatureSet,
  edits: EditList,
): void {
  /** What the instruction before pushed, if it was `i32.const`. */
  let literal: number | undefined;
  for (;;) {
    const at = cursor.pos;
    const opcode = cursor.u8();
    if (opcode === 0x41) {
      literal = cursor.s33() >>> 0;
      continue;
    }
    switch (opcode) {
      case 0x0b: // end
        return;
      case 0x23: // global.get
        readGlobalIndex(cursor, layout, edits);
        break;
      case 0x42:
        cursor.skipS64();
        break;
      case 0x43:
        cursor.skip(4);
        break;
      case 0x44:
        cursor.skip(8);
        break;
      // i32.add, i32.sub, i32.mul and the same for i64
      case 0x6a:
      case 0x6b:
      case 0x6c:
      case 0x7c:
      case 0x7d:
      case 0x7e:
        features.add('extended-const');
        break;
      case 0xd0: // ref.null
        skipHeapType(cursor, features);
        break;
      case 0xd2: // ref.func
        layout.pinnedFunctions.add(readFunctionIndex(cursor, layout, edits));
        break;
      case 0xfd:
        if (cursor.u32() !== 0x0c) cursor.fail('instruction is not constant', at);
        cursor.skip(16);
        features.add('simd');
        break;
      case 0xfb:
        features.add('gc');
        scanConstantGc(cursor, layout, at, literal);
        break;
      case 0xfe:
        throw new InstrumentError('unsupported', 'atomic instructions', at);
      default:
        cursor.fail('instruction is not constant', at);
    }
    literal = undefined;
  }
}

/** Counts the objects that instantiating makes; `literal` is the constant directly before, if there is one. */
function scanConstantGc(cursor: Cursor, layout: ModuleLayout, at: number, literal: number | undefined): void {
  const { types } = layout;
  switch (cursor.u32()) {
    case 0: // struct.new
    case 1: // struct.new_default
      layout.initialObjectBytes += types[readIndex(cursor, types.length, 'type')]!.objectBytes;
      return;
    case 6: // array.new
    case 7: {
      const { objectBytes, elementBytes } = types[readIndex(cursor, types.length, 'type')]!;
      if (literal === undefined)
        throw new InstrumentError('unsupported', 'an array of computed length in a constant expression', at);
      layout.initialObjectBytes += objectBytes + elementBytes * literal;
      return;
    }
    case 8: {
      const { objectBytes, elementBytes } = types[readIndex(cursor, types.length, 'type')]!;
      layout.initialObjectBytes += objectBytes + elementBytes * cursor.u32();
      return;
    }
    case 26: // any.convert_extern
    case 27: // extern.convert_any
    case 28: // ref.i31
      return;
    default:
      cursor.fail('instruction is not constant', at);
  }
}
