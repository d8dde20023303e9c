/** Puts WebAssembly binaries together byte by byte: what no assembler would write. */

export type Bytes = readonly number[] | Uint8Array;

export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
  return bytes;
}

export function joined(...parts: Bytes[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Uint8Array.from(part)));
}

export function name(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return joined(leb(bytes.length), bytes);
}

export function section(id: number, ...content: Bytes[]): Uint8Array {
  const body = joined(...content);
  return joined([id], leb(body.length), body);
}

export function coreModule(...sections: Bytes[]): Uint8Array {
  return joined([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0], ...sections);
}

export function component(...sections: Bytes[]): Uint8Array {
  return joined([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0], ...sections);
}

/** A vector: its length, then `count` times the same element. */
export function repeated(count: number, element: Bytes): Uint8Array {
  const one = Uint8Array.from(element);
  const all = new Uint8Array(count * one.length);
  for (let i = 0; i < count; i++) all.set(one, i * one.length);
  return joined(leb(count), all);
}

/** A core module whose `bodies` are all functions of type `() -> ()`. */
export function moduleOf(bodies: readonly Bytes[], ...before: Bytes[]): Uint8Array {
  return coreModule(
    section(1, [1, 0x60, 0, 0]),
    section(3, repeated(bodies.length, [0])),
    ...before,
    section(10, leb(bodies.length), Buffer.concat(bodies.map((body) => joined(leb(body.length), body)))),
  );
}

/** A small deterministic generator (xorshift32), so that a failure can be repeated from its seed. */
export function randomBytes(seed: number, length: number): Uint8Array {
  let state = seed >>> 0 || 1;
  return Uint8Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state & 0xff;
  });
}
