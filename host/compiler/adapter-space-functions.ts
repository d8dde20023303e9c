import { ByteSink } from '../instrument/writer.ts';
import { PREVIEW1_COUNTS } from './preview1-pointers.ts';

/**
 * The functions that adapter-space.ts appends to a module. In them a "real" address is one of the memory as it
 * is, a "guest" address one as the module's own code knows it: real = guest + SPACE_BYTES.
 */

export const PAGE_BYTES = 65_536;
/** Pages in front of the guest's memory: one for what stands below, two for what the adapter allocates. */
export const SPACE_PAGES = 3;
export const SPACE_BYTES: number = SPACE_PAGES * PAGE_BYTES;

/** Real addresses in the first page. Zero stays unused: the adapter takes it for no memory. */
const NEXT_FREE = 16;
const COUNTED = 32;
const IOVECS = 1_024;
/** POSIX's IOV_MAX. The adapter uses the first buffer that is not empty anyway. */
const MAX_IOVECS = 1_024;
const IOVEC_BYTES = 8;

const I32 = 0x7f;
const FUNC = 0x60;
/** Encodings of the types that are appended. */
export const SPACE_TYPES: readonly (readonly number[])[] = [
  [FUNC, 1, I32, 1, I32],
  [FUNC, 2, I32, I32, 1, I32],
  [FUNC, 2, I32, I32, 0],
  [FUNC, 3, I32, I32, I32, 0],
  [FUNC, 4, I32, I32, I32, I32, 1, I32],
];

/** A function that is appended to the module. */
export type SpaceFunction =
  /** `cabi_realloc` for the adapter, out of the space. */
  | { readonly kind: 'realloc' }
  /** The real address of a guest address. */
  | { readonly kind: 'real' }
  /** Copies an array of iovecs, their addresses made real; gives how many. */
  | { readonly kind: 'iovecs' }
  /** Makes guest addresses of an array of real ones. */
  | { readonly kind: 'rebase' }
  /** The instructions of the same names, with guest addresses and sizes. */
  | { readonly kind: 'grow' | 'copy' | 'fill' }
  | { readonly kind: 'init'; readonly segment: number }
  /** A preview 1 import, called with guest addresses. */
  | {
      readonly kind: 'import';
      readonly index: number;
      readonly name: string;
      readonly parameters: string;
      readonly type: number;
    };

/** What a body refers to. */
export interface SpaceFunctionIndices {
  indexOf(kind: 'real' | 'iovecs' | 'rebase'): number;
  importIndex(name: string): number;
}

const END = 0x0b;
const UNREACHABLE = 0x00;
const IF = [0x04, 0x40];
const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const SELECT = 0x1b;
const DROP = 0x1a;
const I32_EQZ = 0x45;
const I32_EQ = 0x46;
const I32_NE = 0x47;
const I32_LT_U = 0x49;
const I32_GT_U = 0x4b;
const I32_GE_U = 0x4f;
const I32_ADD = 0x6a;
const I32_SUB = 0x6b;
const I32_AND = 0x71;
const I32_SHL = 0x74;

function u32(value: number): number[] {
  const sink = new ByteSink(8);
  sink.u32(value);
  return [...sink.written()];
}

/** `i32.const` of a non-negative number below 2^31, or of -1. */
export function constant(value: number): number[] {
  if (value === -1) return [0x41, 0x7f];
  const sink = new ByteSink(8);
  sink.s64(value);
  return [0x41, ...sink.written()];
}

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const tee = (local: number): number[] => [0x22, local];
const call = (index: number): number[] => [0x10, ...u32(index)];
const load = (offset: number): number[] => [0x28, 2, ...u32(offset)];
const store = (offset: number): number[] => [0x36, 2, ...u32(offset)];
const minimum = (local: number, bound: number): number[] => [
  ...[...get(local), ...constant(bound), ...get(local), ...constant(bound), I32_LT_U, SELECT],
];

/** Index of a function's type; `typeBase` is that of the first of {@link SPACE_TYPES}. */
export function spaceFunctionType(added: SpaceFunction, typeBase: number): number {
  switch (added.kind) {
    case 'real':
    case 'grow':
      return typeBase;
    case 'iovecs':
      return typeBase + 1;
    case 'rebase':
      return typeBase + 2;
    case 'copy':
    case 'fill':
    case 'init':
      return typeBase + 3;
    case 'realloc':
      return typeBase + 4;
    case 'import':
      return added.type;
  }
}

/** The body of a function, locals included. */
export function spaceFunctionBody(added: SpaceFunction, indices: SpaceFunctionIndices): number[] {
  switch (added.kind) {
    case 'realloc':
      return reallocBody();
    case 'real':
      return realBody();
    case 'iovecs':
      return iovecsBody(indices.indexOf('real'));
    case 'rebase':
      return rebaseBody();
    case 'grow':
      return [
        ...[1, 1, I32, ...get(0), 0x40, 0, ...tee(1)],
        ...[...constant(SPACE_PAGES), I32_SUB, ...constant(-1), ...get(1), ...constant(-1), I32_NE, SELECT],
        END,
      ];
    case 'copy': {
      const real = call(indices.indexOf('real'));
      return [0, ...get(0), ...real, ...get(1), ...real, ...get(2), 0xfc, 10, 0, 0, END];
    }
    case 'fill':
      return [...[0, ...get(0), ...call(indices.indexOf('real')), ...get(1), ...get(2), 0xfc, 11, 0], END];
    case 'init':
      return [
        ...[0, ...get(0), ...call(indices.indexOf('real')), ...get(1), ...get(2)],
        ...[0xfc, 8, ...u32(added.segment), 0],
        END,
      ];
    case 'import':
      return importBody(added.index, added.name, added.parameters, indices);
  }
}

/** `(old, oldSize, align, size) -> address`. The adapter allocates twice and never gives back or resizes. */
function reallocBody(): number[] {
  const nextFree = [...constant(0), ...load(NEXT_FREE)];
  const first = [...constant(PAGE_BYTES)];
  return [
    ...[1, 1, I32],
    ...[...get(0), ...IF, UNREACHABLE, END],
    ...[...nextFree, ...first, ...nextFree, SELECT, ...get(2), I32_ADD, ...constant(1), I32_SUB],
    ...[...constant(0), ...get(2), I32_SUB, I32_AND, ...tee(4)],
    ...[...constant(SPACE_BYTES), I32_GT_U, ...IF, UNREACHABLE, END],
    ...[...get(3), ...constant(SPACE_BYTES), ...get(4), I32_SUB, I32_GT_U, ...IF, UNREACHABLE, END],
    ...[...constant(0), ...get(4), ...get(3), I32_ADD, ...store(NEXT_FREE)],
    ...[...get(4), END],
  ];
}

/** An address that has no real counterpart becomes the last one, which is beyond every memory. */
function realBody(): number[] {
  return [
    ...[1, 1, I32],
    ...[...constant(-1), ...get(0), ...constant(SPACE_BYTES), I32_ADD, ...tee(1)],
    ...[...get(1), ...get(0), I32_LT_U, SELECT, END],
  ];
}

/** `(guest address, length) -> length`. */
function iovecsBody(real: number): number[] {
  const [source, length, i, to] = [0, 1, 2, 3];
  return [
    ...[1, 2, I32],
    ...[...get(source), ...call(real), ...set(source)],
    ...[...minimum(length, MAX_IOVECS), ...set(length)],
    ...[...BLOCK, ...LOOP],
    ...[...get(i), ...get(length), I32_GE_U, 0x0d, 1],
    ...[...get(i), ...constant(3), I32_SHL, ...set(to)],
    ...[...get(to), ...get(source), ...load(0), ...call(real), ...store(IOVECS)],
    ...[...get(to), ...get(source), ...load(4), ...store(IOVECS + 4)],
    ...[...get(source), ...constant(IOVEC_BYTES), I32_ADD, ...set(source)],
    ...[...get(i), ...constant(1), I32_ADD, ...set(i), 0x0c, 0],
    ...[END, END],
    ...[...get(length), END],
  ];
}

/** `(real address, length)`. */
function rebaseBody(): number[] {
  const [at, length] = [0, 1];
  return [
    0,
    ...[...BLOCK, ...LOOP],
    ...[...get(length), I32_EQZ, 0x0d, 1],
    ...[...get(at), ...get(at), ...load(0), ...constant(SPACE_BYTES), I32_SUB, ...store(0)],
    ...[...get(at), ...constant(4), I32_ADD, ...set(at)],
    ...[...get(length), ...constant(1), I32_SUB, ...set(length), 0x0c, 0],
    ...[END, END],
    END,
  ];
}

function importBody(
  index: number,
  name: string,
  parameters: string,
  indices: SpaceFunctionIndices,
): number[] {
  const operands = [...parameters].flatMap((letter, local) => {
    switch (letter) {
      case 'v':
        return constant(IOVECS);
      case 'n':
        return [...get(local - 1), ...get(local), ...call(indices.indexOf('iovecs'))];
      case 'p':
      case 'a':
        return [...get(local), ...call(indices.indexOf('real'))];
      default:
        return get(local);
    }
  });
  const counter = PREVIEW1_COUNTS.get(name);
  if (counter === undefined) return [0, ...operands, ...call(index), END];
  // Both such functions are (array, bytes) -> errno.
  const errno = parameters.length;
  return [
    ...[1, 1, I32],
    ...[...operands, ...call(index), ...tee(errno), ...constant(0), I32_EQ, ...IF],
    ...[...constant(COUNTED), ...constant(COUNTED + 4), ...call(indices.importIndex(counter)), DROP],
    ...[...get(0), ...call(indices.indexOf('real')), ...constant(0), ...load(COUNTED)],
    ...[...call(indices.indexOf('rebase')), END],
    ...[...get(errno), END],
  ];
}
