/**
 * Has the engine execute one instruction: a module is made that takes its operands as bits, executes the
 * instruction as it was encoded, and gives the bits of the result. Arithmetic is so right by construction.
 */
import { FC, type Instruction } from './instruction.ts';
import type { Limits } from './module-format.ts';
import type { Operand, Signature } from './signatures.ts';
import type { Kind } from './value-type.ts';

/** i32 and f32 as a number of 32 bits, i64 and f64 as a bigint of 64, v128 as two of those. */
export type NumericValue = number | bigint | readonly [bigint, bigint];
export type Operation = (operands: readonly NumericValue[]) => NumericValue | undefined;

const I32 = 0x7f;
const I64 = 0x7e;
const V128 = 0x7b;

function bitTypes(kind: Kind): number[] {
  if (kind === 'v128') return [I64, I64];
  return [kind === 'i64' || kind === 'f64' ? I64 : I32];
}

/** Below 2^14, which is all that a module of one instruction has. */
function leb(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, value >> 7];
}

function vectorOf(items: readonly (readonly number[])[]): number[] {
  return [...leb(items.length), ...items.flat()];
}

function section(id: number, items: readonly (readonly number[])[]): number[] {
  const content = vectorOf(items);
  return [id, ...leb(content.length), ...content];
}

const NAME = [1, 0x66];

function encode(
  bytes: Uint8Array,
  takes: readonly Kind[],
  gives: Kind | undefined,
  memories: readonly Limits[],
): Uint8Array<ArrayBuffer> {
  let local = 0;
  const pushes = takes.flatMap((kind) => {
    const at = local;
    local += bitTypes(kind).length;
    const get = [0x20, at];
    if (kind === 'f32') return [...get, 0xbe];
    if (kind === 'f64') return [...get, 0xbf];
    // i64x2.splat of the low half, then i64x2.replace_lane 1.
    return kind === 'v128' ? [...get, 0xfd, 18, 0x20, at + 1, 0xfd, 30, 1] : get;
  });
  const scratch = local;
  const toBits: Readonly<Partial<Record<Kind, number[]>>> = {
    f32: [0xbc],
    f64: [0xbd],
    v128: [0x22, scratch, 0xfd, 29, 0, 0x20, scratch, 0xfd, 29, 1],
  };
  const declared = gives === 'v128' ? [1, 1, V128] : [0];
  const body = [...declared, ...pushes, ...bytes, ...((gives && toBits[gives]) ?? []), 0x0b];
  const parameters = takes.flatMap(bitTypes);
  const results = gives === undefined ? [] : bitTypes(gives);
  const type = [0x60, ...leb(parameters.length), ...parameters, ...leb(results.length), ...results];
  const imports = memories.map((memory, i) => [1, 0x6d, 1, 0x61 + i, 2, memory.is64 ? 4 : 0, 0]);
  return new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [type]),
    ...(imports.length > 0 ? section(2, imports) : []),
    ...section(3, [[0]]),
    ...section(7, [[...NAME, 0, 0]]),
    ...section(10, [[...leb(body.length), ...body]]),
  ]);
}

/** Instructions without memory are the same in every machine. */
const pure = new Map<string, Operation>();

/** The operations of one machine. */
export class SingleInstructions {
  readonly #memories: readonly WebAssembly.Memory[];
  readonly #limits: readonly Limits[];
  readonly #own = new Map<string, Operation>();

  constructor(memories: readonly WebAssembly.Memory[], limits: readonly Limits[]) {
    this.#memories = memories;
    this.#limits = limits;
  }

  get(instruction: Instruction, signature: Signature): Operation {
    const accessesMemory = signature.takes.includes('a');
    const cache = accessesMemory ? this.#own : pure;
    const key = instruction.bytes.join();
    let operation = cache.get(key);
    if (operation === undefined) {
      operation = this.#make(instruction, signature, accessesMemory);
      cache.set(key, operation);
    }
    return operation;
  }

  /** memory.copy and memory.fill, of which each operand has the address type of a memory of its own. */
  getBulk(instruction: Instruction): Operation {
    const { a, b, op } = instruction;
    const addressOf = (memory: number): Operand => (this.#limits[memory]!.is64 ? 'i64' : 'i32');
    const isCopy = op === FC + 10;
    const both = addressOf(a) === 'i64' && addressOf(b) === 'i64' ? 'i64' : 'i32';
    const takes: Operand[] = isCopy
      ? [addressOf(a), addressOf(b), both]
      : [addressOf(a), 'i32', addressOf(a)];
    const key = instruction.bytes.join();
    const operation = this.#own.get(key) ?? this.#make(instruction, { takes, gives: undefined }, true);
    this.#own.set(key, operation);
    return operation;
  }

  #make(instruction: Instruction, { takes, gives }: Signature, accessesMemory: boolean): Operation {
    const address = this.#limits[instruction.a]?.is64 ? 'i64' : 'i32';
    const kindOf = (operand: Operand): Kind => (operand === 'a' ? address : operand);
    const limits = accessesMemory ? this.#limits : [];
    const bytes = encode(instruction.bytes, takes.map(kindOf), gives && kindOf(gives), limits);
    const m = Object.fromEntries(limits.map((_, i) => [String.fromCharCode(0x61 + i), this.#memories[i]!]));
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { m });
    const call = exports['f'] as (...bits: (number | bigint)[]) => NumericValue | undefined;
    return (operands) => call(...(operands.flat() as (number | bigint)[]));
  }
}
