/**
 * What objects of the engine's heap count for against memory (`docs/fuel.md`): at least what V8 takes for them, by
 * rules that know nothing of V8 but that.
 */
const V128 = 0x7b;

/** A struct before its fields; V8's own head is 16 bytes. */
export const STRUCT_BYTES = 24;

/** An array before its elements; V8's own head is 24 bytes, and the whole is rounded up to a multiple of 8. */
export const ARRAY_BYTES = 32;

/** A field of a struct: V8 aligns the shorter ones, and so may need as much. */
export function fieldBytes(code: number): number {
  return code === V128 ? 16 : 8;
}

/** An element of an array, by the first byte of its type: a power of two. */
export function elementBytes(code: number): number {
  switch (code) {
    case 0x78: // i8
      return 1;
    case 0x77: // i16
      return 2;
    case 0x7f: // i32
    case 0x7d: // f32
      return 4;
    case V128:
      return 16;
    default:
      return 8;
  }
}

/** Sizes of elements are 1, 2, 4, 8 and 16. */
export const ELEMENT_SIZES = 5;
