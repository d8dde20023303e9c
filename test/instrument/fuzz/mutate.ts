import type { Random } from '../random.ts';

/** Numbers that decoders stumble over, as they are encoded. */
const NUMBERS: readonly (readonly number[])[] = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x00],
  [0x80, 0x80, 0x80, 0x80, 0x10],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
];
/** First bytes of what has immediates, prefixes, control, types of blocks. */
const OPCODES = [
  0x00, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x12, 0x18, 0x1c, 0x1f, 0x40,
  0xd0, 0xfb, 0xfc, 0xfd, 0xfe,
];
const PREAMBLE = 8;

/** A copy of `module` with a few changes of the kinds that files and attackers have. */
export function mutate(module: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  let bytes = module;
  for (let changes = 1 + random.below(1 + random.below(4)); changes > 0; changes--)
    bytes = change(bytes, other, random);
  return bytes;
}

function change(bytes: Uint8Array, other: Uint8Array, random: Random): Uint8Array {
  const at = PREAMBLE + random.below(Math.max(1, bytes.length - PREAMBLE));
  const length = Math.min(1 + random.below(random.below(4) === 0 ? 200 : 8), bytes.length - at);
  switch (random.below(10)) {
    case 0:
      return replace(bytes, at, 1, [random.below(256)]);
    case 1:
      return replace(bytes, at, 1, [((bytes[at] ?? 0) + (random.below(2) === 0 ? 1 : 255)) & 0xff]);
    case 2:
      return replace(bytes, at, 1, [(bytes[at] ?? 0) ^ (1 << random.below(8))]);
    case 3:
      return replace(bytes, at, random.below(2), random.pick(NUMBERS));
    case 4:
      return replace(bytes, at, random.below(2), [random.pick(OPCODES)]);
    case 5:
      return replace(bytes, at, length, []);
    case 6:
      return replace(bytes, at, 0, bytes.subarray(at, at + length));
    case 7: {
      const from = random.below(other.length);
      return replace(bytes, at, random.below(2) === 0 ? length : 0, other.subarray(from, from + length));
    }
    case 8:
      return random.below(4) === 0 ? bytes.subarray(0, at) : replace(bytes, at, 1, [0x0b]);
    default:
      return swap(bytes, at, PREAMBLE + random.below(Math.max(1, bytes.length - PREAMBLE)));
  }
}

function replace(bytes: Uint8Array, at: number, length: number, by: ArrayLike<number>): Uint8Array {
  const changed = new Uint8Array(bytes.length - Math.min(length, bytes.length - at) + by.length);
  changed.set(bytes.subarray(0, at));
  changed.set(by, at);
  changed.set(bytes.subarray(at + length), at + by.length);
  return changed;
}

function swap(bytes: Uint8Array, a: number, b: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  const kept = changed[a] ?? 0;
  if (a < changed.length) changed[a] = changed[b] ?? 0;
  if (b < changed.length) changed[b] = kept;
  return changed;
}
