/** Takes notes for tools out of a component: names and producers are of no use when it runs. */

const CUSTOM = 0;
const CORE_MODULE = 1;
const COMPONENT = 4;
const PREAMBLE_BYTES = 8;

/** An unsigned LEB128 of up to 5 bytes, and where it ends. */
function readU32(bytes: Uint8Array, at: number): [value: number, end: number] {
  let value = 0;
  for (let index = 0; index < 5; index++) {
    const byte = bytes[at + index] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return [value, at + index + 1];
  }
  throw new RangeError('a section size is longer than 32 bits');
}

function writeU32(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...writeU32(value >>> 7)];
}

/** The component or core module in `bytes` without custom sections, at any depth. `bytes` is valid. */
export function stripCustomSections(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  // The version field's upper half is the layer: 0 for a core module, 1 for a component.
  const isComponent = bytes[6] === 1;
  const parts: Uint8Array[] = [bytes.subarray(0, PREAMBLE_BYTES)];
  for (let at = PREAMBLE_BYTES; at < bytes.length; ) {
    const id = bytes[at] ?? 0;
    const [size, start] = readU32(bytes, at + 1);
    const content = bytes.subarray(start, start + size);
    const isNested = isComponent && (id === CORE_MODULE || id === COMPONENT);
    const kept = isNested ? stripCustomSections(content) : content;
    if (id !== CUSTOM) parts.push(Uint8Array.of(id, ...writeU32(kept.length)), kept);
    at = start + size;
  }
  return new Uint8Array(Buffer.concat(parts));
}
