/**
 * Arrays that are never given back: the host resets all memory before the next module. Each access is held to its array's length, which takes a
 * tenth of the time of metering: a slip in it must not come to write where it likes. One that fails is a trap and no call, behind which
 * the engine would keep nothing in registers.
 */

/** Elements start behind the length; a multiple of 8, so that an array's own are aligned. */
const HEAD: usize = 8;
const OPCODES: u32 = 256;

function allocate(bytes: usize, length: i32): usize {
  const at = heap.alloc(HEAD + bytes);
  memory.fill(at, 0, HEAD + bytes);
  store<i32>(at, length);
  return at;
}

/** Integers of 32 bits. */
@final
@unmanaged
export class Ints {
  /** All zero. */
  static of(length: i32): Ints {
    return changetype<Ints>(allocate((<usize>length) << 2, length));
  }

  /** One of at least that length with the same elements, with room for as many again; the old one is lost. */
  static grown(from: Ints, length: i32): Ints {
    const to = Ints.of(max(length, from.length * 2));
    memory.copy(to.start, from.start, (<usize>from.length) << 2);
    return to;
  }

  @inline
  get length(): i32 {
    return load<i32>(changetype<usize>(this));
  }

  /** Where the elements are in memory. */
  @inline
  get start(): usize {
    return changetype<usize>(this) + HEAD;
  }

  @inline
  @operator('[]')
  at(index: i32): i32 {
    if (<u32>index >= <u32>this.length) unreachable();
    return load<i32>(changetype<usize>(this) + ((<usize>index) << 2), HEAD);
  }

  @inline
  @operator('[]=')
  put(index: i32, value: i32): void {
    if (<u32>index >= <u32>this.length) unreachable();
    store<i32>(changetype<usize>(this) + ((<usize>index) << 2), value, HEAD);
  }

  /** Where the elements from `index` on are in memory, `count` of them, which some other class is laid over. */
  @inline
  addressOf(index: i32, count: i32): usize {
    if (<u32>(index + count - 1) >= <u32>this.length) unreachable();
    return this.start + ((<usize>index) << 2);
  }

  fill(value: i32): void {
    for (let i = 0; i < this.length; i++) this[i] = value;
  }
}

/** Integers of 8 bits, without a sign. */
@final
@unmanaged
export class Bytes {
  /** All zero. */
  static of(length: i32): Bytes {
    return changetype<Bytes>(allocate(length, length));
  }

  /** One of at least that length with the same elements, with room for as many again; the old one is lost. */
  static grown(from: Bytes, length: i32): Bytes {
    const to = Bytes.of(max(length, from.length * 2));
    memory.copy(to.start, from.start, from.length);
    return to;
  }

  @inline
  get length(): i32 {
    return load<i32>(changetype<usize>(this));
  }

  /** Where the elements are in memory. */
  @inline
  get start(): usize {
    return changetype<usize>(this) + HEAD;
  }

  @inline
  @operator('[]')
  at(index: i32): i32 {
    if (<u32>index >= <u32>this.length) unreachable();
    return load<u8>(changetype<usize>(this) + <usize>index, HEAD);
  }

  @inline
  @operator('[]=')
  put(index: i32, value: i32): void {
    if (<u32>index >= <u32>this.length) unreachable();
    store<u8>(changetype<usize>(this) + <usize>index, value, HEAD);
  }
}

/** Rows of a table by opcode: integers of 32 bits in memory set aside by `memory.data`, where they outlive the module at hand. */
@final
@unmanaged
export class OpcodeInts {
  @inline
  @operator('[]')
  at(opcode: i32): i32 {
    if (<u32>opcode >= OPCODES) unreachable();
    return load<i32>(changetype<usize>(this) + ((<usize>opcode) << 2));
  }

  @inline
  @operator('[]=')
  put(opcode: i32, value: i32): void {
    if (<u32>opcode >= OPCODES) unreachable();
    store<i32>(changetype<usize>(this) + ((<usize>opcode) << 2), value);
  }
}

/** The same of 8 bits, without a sign. */
@final
@unmanaged
export class OpcodeBytes {
  @inline
  @operator('[]')
  at(opcode: i32): i32 {
    if (<u32>opcode >= OPCODES) unreachable();
    return load<u8>(changetype<usize>(this) + <usize>opcode);
  }

  @inline
  @operator('[]=')
  put(opcode: i32, value: i32): void {
    if (<u32>opcode >= OPCODES) unreachable();
    store<u8>(changetype<usize>(this) + <usize>opcode, value);
  }
}
