import type { CanonicalContext } from './canonical-context.ts';
import type { Codec, TypedArray, TypedArrayClass } from './codec.ts';
import { ComponentTrap } from './component-trap.ts';
import { MAX_BYTE_LENGTH } from './string-codec.ts';

/** Elements in a range of memory, which lists and buffers of streams have in common. */
export interface ElementsCodec {
  /** CanonicalABI.md, `load_list_from_range`: checks it, and charges for it. */
  load(context: CanonicalContext, pointer: number, length: number): ArrayLike<unknown>;
  /** Into a range that was checked. */
  store(context: CanonicalContext, values: ArrayLike<unknown>, pointer: number): void;
}

export function checkElements(
  context: CanonicalContext,
  element: Codec,
  pointer: number,
  length: number,
): void {
  const byteLength = length * element.size;
  if (byteLength > MAX_BYTE_LENGTH) throw new ComponentTrap('the list is too long');
  context.checkRange(pointer, element.alignment, byteLength);
}

/** Numbers are copied at once: an element at a time takes a hundred times as long. */
function numbersCodec(element: Codec, TypedArray: TypedArrayClass): ElementsCodec {
  const isBytes = TypedArray === (Uint8Array as TypedArrayClass);
  return {
    load(context, pointer, length) {
      checkElements(context, element, pointer, length);
      const byteLength = length * element.size;
      context.liftLength(length, byteLength);
      return isBytes
        ? context.bytes.slice(pointer, pointer + byteLength)
        : new TypedArray(context.bytes.buffer.slice(pointer, pointer + byteLength), 0, length);
    },
    store(context, values, pointer) {
      context.lowerLength(values.length);
      const { bytes } = context;
      if (isBytes) bytes.set(values as Uint8Array, pointer);
      else
        new TypedArray(bytes.buffer, pointer, values.length).set(
          values as ArrayLike<number> & ArrayLike<bigint>,
        );
    },
  };
}

function objectsCodec(element: Codec): ElementsCodec {
  return {
    load(context, pointer, length) {
      checkElements(context, element, pointer, length);
      context.liftElements(length);
      // Not at its full length at once: an element may trap before the memory for all of them is needed.
      const values: unknown[] = [];
      for (let i = 0; i < length; i++) values.push(element.load(context, pointer + i * element.size));
      return values;
    },
    store(context, values, pointer) {
      context.lowerElements(values.length);
      for (let i = 0; i < values.length; i++) element.store(context, values[i], pointer + i * element.size);
    },
  };
}

export function elementsCodec(element: Codec): ElementsCodec {
  const { typedArray } = element;
  return typedArray === undefined ? objectsCodec(element) : numbersCodec(element, typedArray);
}

export function listCodec(element: Codec): Codec {
  const elements = elementsCodec(element);
  const storeList = (context: CanonicalContext, value: unknown): readonly [number, number] => {
    const values = toArrayLike(value);
    const byteLength = values.length * element.size;
    if (byteLength > MAX_BYTE_LENGTH) throw new ComponentTrap('the list is too long');
    const pointer = context.allocate(element.alignment, byteLength);
    elements.store(context, values, pointer);
    return [pointer, values.length];
  };
  return {
    size: 8,
    alignment: 4,
    flat: ['i32', 'i32'],
    load: (context, pointer) =>
      elements.load(
        context,
        context.view.getUint32(pointer, true),
        context.view.getUint32(pointer + 4, true),
      ),
    store(context, value, pointer) {
      const [begin, length] = storeList(context, value);
      context.view.setUint32(pointer, begin, true);
      context.view.setUint32(pointer + 4, length, true);
    },
    liftFlat: (context, values, at) =>
      elements.load(context, (values[at] as number) >>> 0, (values[at + 1] as number) >>> 0),
    lowerFlat(context, value, into) {
      const [begin, length] = storeList(context, value);
      into.push(begin | 0, length | 0);
    },
  };
}

export function toArrayLike(value: unknown): ArrayLike<unknown> {
  if (Array.isArray(value)) return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return value as TypedArray;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new TypeError('not a list');
}
