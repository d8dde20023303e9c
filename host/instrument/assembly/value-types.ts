import { CodeUsage } from './code-usage.ts';
import { Cursor } from './cursor.ts';
import { malformed, unsupported } from './failure.ts';
import { Feature } from './features.ts';

const SHARED = 0x65;
const EXACT = 0x62;
const REF = 0x64;
const REF_NULL = 0x63;
const V128 = 0x7b;
const EMPTY_BLOCK = 0x40;

/** i32, i64, f32, f64. */
function isNumber(code: i32): bool {
  return code >= 0x7c && code <= 0x7f;
}

/** Abstract heap types, which are also the short forms of their nullable references: exn (0x69) to noexn (0x74). */
function isAbstractHeap(code: i32): bool {
  return code >= 0x69 && code <= 0x74;
}

function refuse(code: i32, at: i32): void {
  if (code === SHARED) unsupported('shared reference types', at);
  if (code === EXACT) unsupported('exact reference types', at);
  malformed(`unknown type 0x${code.toString(16)}`, at);
}

function noteAbstract(code: i32, usage: CodeUsage): void {
  if (code === 0x6f || code === 0x70) usage.add(Feature.ReferenceTypes);
  else if (code === 0x69 || code === 0x74) usage.add(Feature.Exceptions);
  else usage.add(Feature.Gc);
}

/** A heap type: an abstract one or a type index (core specification 5.3.3). */
export function skipHeapType(cursor: Cursor, usage: CodeUsage): void {
  const at = cursor.pos;
  const type = cursor.s33();
  if (type >= 0) {
    usage.add(Feature.FunctionReferences);
    return;
  }
  const code = <i32>type + 0x80;
  if (!isAbstractHeap(code)) refuse(code, at);
  noteAbstract(code, usage);
}

export function skipValueType(cursor: Cursor, usage: CodeUsage): void {
  const at = cursor.pos;
  const code = cursor.u8();
  if (isNumber(code)) return;
  if (code === V128) usage.add(Feature.Simd);
  else if (code === REF || code === REF_NULL) {
    usage.add(Feature.FunctionReferences);
    skipHeapType(cursor, usage);
  } else if (isAbstractHeap(code)) noteAbstract(code, usage);
  else refuse(code, at);
}

/** A block type: empty, a value type or the index of a function type. */
export function skipBlockType(cursor: Cursor, usage: CodeUsage, types: i32): void {
  const at = cursor.pos;
  const code = cursor.peek();
  if (code === EMPTY_BLOCK) cursor.pos++;
  // A negative s33 of one byte has bit 6 set and bit 7 clear: those are the value types.
  else if (code >= EMPTY_BLOCK && code < 0x80) skipValueType(cursor, usage);
  else {
    const type = cursor.s33();
    if (type < 0 || type >= types) malformed('unknown block type', at);
    usage.add(Feature.MultiValue);
  }
}
