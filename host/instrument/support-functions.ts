import {
  BYTES_PER_UNIT_SHIFT,
  GROWTH_UNITS,
  LENGTH_CLAMP,
  UNITS_PER_ENTRY,
  UNITS_PER_PAGE,
} from './cost-model.ts';
import { LENGTH } from './edits.ts';
import { METER_IMPORTS } from './meter-imports.ts';
import type { ModuleLayout } from './module-layout.ts';
import { ARRAY_BYTES } from './object-size.ts';
import { is64BitLength, type MeterPlan, type SupportFunction } from './plan.ts';

const I32 = 0x7f;
const I64 = 0x7e;
const END = 0x0b;
const IF_VOID = [0x04, 0x40];
const UNREACHABLE = 0x00;
const RETURN = 0x0f;
const I32_EQZ = 0x45;
const I32_EQ = 0x46;
const I32_NE = 0x47;
const I32_LE_U = 0x4d;
const I32_SUB = 0x6b;
const I32_WRAP_I64 = 0xa7;
const I64_NE = 0x52;
const I64_LE_U = 0x58;
const I64_EQ = 0x51;
const I64_LT_S = 0x53;
const I64_LT_U = 0x54;
const I64_GT_U = 0x56;
const I64_SUB = 0x7d;
const I64_ADD = 0x7c;
const I64_MUL = 0x7e;
const I64_SHL = 0x86;
const I64_SHR_U = 0x88;
const I64_EXTEND_I32_U = 0xad;
const SELECT = 0x1b;
/** The longest growth that is passed on; a longer one cannot succeed, and the products below cannot overflow. */
const MAX_GROWTH = 2 ** 32 - 1;

/** Unsigned LEB128. A sink for each would take 3 % of the time of metering a module with many entries. */
function u32(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}

/** Of a non-negative integer below 2^53. */
function i64Const(value: number): number[] {
  const bytes = [0x42];
  let rest = value;
  for (; rest >= 0x40; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  bytes.push(rest);
  return bytes;
}

const localGet = (local: number): number[] => [0x20, local];
const call = (index: number): number[] => [0x10, ...u32(index)];
const minusOne = (is64: boolean): number[] => [is64 ? 0x42 : 0x41, 0x7f];

/** Subtracts what `units` pushes: `fuel = fuel - units`. */
function subtract(plan: MeterPlan, units: readonly number[]): number[] {
  const fuel = u32(plan.fuelGlobal);
  return [0x23, ...fuel, ...units, I64_SUB, 0x24, ...fuel];
}

/** `if (fuel < 0) check()`: what an entry or a loop's head executes while there is fuel. */
export function checkCode(plan: MeterPlan): number[] {
  return [0x23, ...u32(plan.fuelGlobal), ...i64Const(0), I64_LT_S, ...IF_VOID, ...call(plan.check), END];
}

/** The two halves of a charge, around the number of units as signed LEB128. */
export function chargeCode(plan: MeterPlan): { readonly before: number[]; readonly behind: number[] } {
  const fuel = u32(plan.fuelGlobal);
  return { before: [0x23, ...fuel, 0x42], behind: [I64_SUB, 0x24, ...fuel] };
}

/** The body of a support function, locals included; `least` says what a function that takes the counter is certain to cost. */
export function supportBody(
  plan: MeterPlan,
  layout: ModuleLayout,
  support: SupportFunction,
  least: (functionIndex: number) => number,
): number[] {
  switch (support.kind) {
    case 'entry':
      return entryBody(
        plan,
        layout.types[support.type]!.params,
        support.target + plan.functionShift,
        least(support.target),
      );
    case 'check':
      return [
        0,
        ...call(plan.hostFunctions.get(METER_IMPORTS.refill)!),
        ...[0x23, ...u32(plan.fuelGlobal), ...i64Const(0), I64_LT_S],
        ...[...IF_VOID, UNREACHABLE, END],
        END,
      ];
    case 'settle':
      return [0, ...subtract(plan, localGet(0)), ...checkCode(plan), ...i64Const(0), END];
    case 'charge-length':
      return chargeLengthBody(plan, support.length);
    case 'allocate':
      return [0, ...takeObjectBytes(plan, localGet(0)), END];
    case 'allocate-array':
      return [
        0,
        ...takeObjectBytes(plan, [
          ...[...localGet(0), I64_EXTEND_I32_U, ...i64Const(support.size), I64_SHL],
          ...[...i64Const(ARRAY_BYTES), I64_ADD],
        ]),
        ...[...localGet(0), END],
      ];
    case 'memory-grow':
      return growBody(plan, {
        is64: support.is64,
        reserve: METER_IMPORTS.reserveMemory,
        release: METER_IMPORTS.releaseMemory,
        unitsEach: UNITS_PER_PAGE,
        lengthLocal: 0,
        grow: growMemory(plan, layout, support.memory),
      });
    case 'table-grow':
      return growBody(plan, {
        is64: support.is64,
        reserve: METER_IMPORTS.reserveTable,
        release: METER_IMPORTS.releaseTable,
        unitsEach: UNITS_PER_ENTRY,
        lengthLocal: 1,
        grow: [...localGet(0), ...localGet(1), 0xfc, 15, ...u32(support.table)],
      });
  }
}

/** Behind `memory.size`: what code is told. */
export function subtractHeadroomCode(plan: MeterPlan, layout: ModuleLayout, memory: number): number[] {
  const is64 = layout.memories64[memory]!;
  return [...headroom(plan, memory, is64), is64 ? I64_SUB : I32_SUB];
}

function headroom(plan: MeterPlan, memory: number, is64: boolean): number[] {
  return [0x23, ...u32(plan.headrooms.get(memory)!), ...(is64 ? [I64_EXTEND_I32_U] : [])];
}

/**
 * Grows by what local 0 says, out of the headroom if that suffices (and returns then), else by the rest in earnest;
 * pushes the size before, as code was told it, or -1.
 */
function growMemory(plan: MeterPlan, layout: ModuleLayout, memory: number): number[] {
  const is64 = layout.memories64[memory]!;
  const sub = is64 ? I64_SUB : I32_SUB;
  const left = headroom(plan, memory, is64);
  const setLeft = [0x24, ...u32(plan.headrooms.get(memory)!)];
  const result = 1;
  return [
    ...[...localGet(0), ...left, is64 ? I64_LE_U : I32_LE_U, ...IF_VOID],
    ...[0x23, ...u32(plan.headrooms.get(memory)!), ...localGet(0), ...(is64 ? [I32_WRAP_I64] : []), I32_SUB],
    ...setLeft,
    ...[0x3f, ...u32(memory), ...left, sub, ...localGet(0), sub, RETURN, END],
    ...[...localGet(0), ...left, sub, 0x40, ...u32(memory), 0x22, result],
    ...[...minusOne(is64), is64 ? I64_NE : I32_NE, ...IF_VOID],
    ...[...localGet(result), ...left, sub, 0x21, result, 0x41, 0, ...setLeft, END],
    ...localGet(result),
  ];
}

/** Takes what `bytes` pushes from the bytes left for objects, and asks the host for more if there are too few. */
function takeObjectBytes(plan: MeterPlan, bytes: readonly number[]): number[] {
  const objects = u32(plan.objectsGlobal);
  const isShort = [0x23, ...objects, ...i64Const(0), I64_LT_S, ...IF_VOID];
  return [
    ...[0x23, ...objects, ...bytes, I64_SUB, 0x24, ...objects],
    ...[...isShort, ...call(plan.hostFunctions.get(METER_IMPORTS.reserveObjects)!)],
    ...[...isShort, UNREACHABLE, END, END],
  ];
}

/** `(length) -> length`: charges for the instruction that follows the call, then checks. */
function chargeLengthBody(plan: MeterPlan, kind: number): number[] {
  const clamp = i64Const(LENGTH_CLAMP);
  const length = is64BitLength(kind)
    ? [...localGet(0), ...clamp, ...localGet(0), ...clamp, I64_LT_U, SELECT]
    : [...localGet(0), I64_EXTEND_I32_U];
  const countsBytes = kind === LENGTH.bytes32 || kind === LENGTH.bytes64;
  const units = countsBytes
    ? [...length, ...i64Const(BYTES_PER_UNIT_SHIFT), I64_SHR_U]
    : [...length, ...i64Const(UNITS_PER_ENTRY), I64_MUL];
  return [0, ...subtract(plan, units), ...checkCode(plan), ...localGet(0), END];
}

/** Calls a function that passes the counter, from where there is none: checks, and settles what comes back. */
function entryBody(plan: MeterPlan, params: number, target: number, least: number): number[] {
  const operands = Array.from({ length: params }, (_, i) => localGet(i)).flat();
  return [
    ...[1, 1, I64],
    ...checkCode(plan),
    ...[...operands, ...i64Const(least), ...call(target), 0x21, params],
    ...subtract(plan, localGet(params)),
    END,
  ];
}

interface Growth {
  readonly is64: boolean;
  readonly reserve: string;
  readonly release: string;
  readonly unitsEach: number;
  /** The parameter with the number of pages or entries. */
  readonly lengthLocal: number;
  /** Pushes the operands and grows; the local behind the parameters is free. */
  readonly grow: readonly number[];
}

/**
 * Same signature as the instruction it stands for: charge for asking; reserve, or give -1; charge what was granted; grow; give
 * the reservation back if the grow failed. Growing is charged when it is granted, not when it is asked for:
 * a program that probes for 4 GiB and is refused goes on, as everywhere.
 */
function growBody(plan: MeterPlan, growth: Growth): number[] {
  const { is64, lengthLocal } = growth;
  const result = lengthLocal + 1;
  const length = [...localGet(lengthLocal), ...(is64 ? [] : [I64_EXTEND_I32_U])];
  const refuse = [...minusOne(is64), RETURN, END];
  return [
    ...[1, 1, is64 ? I64 : I32],
    ...[...subtract(plan, i64Const(GROWTH_UNITS)), ...checkCode(plan)],
    ...(is64 ? [...length, ...i64Const(MAX_GROWTH), I64_GT_U, ...IF_VOID, ...refuse] : []),
    ...[...length, ...call(plan.hostFunctions.get(growth.reserve)!), I32_EQZ, ...IF_VOID, ...refuse],
    ...subtract(plan, [...length, ...i64Const(growth.unitsEach), I64_MUL]),
    ...checkCode(plan),
    ...[...growth.grow, 0x22, result, ...minusOne(is64), is64 ? I64_EQ : I32_EQ],
    ...[...IF_VOID, ...length, ...call(plan.hostFunctions.get(growth.release)!), END],
    ...localGet(result),
    END,
  ];
}

/** How a support function shows in a stack trace. */
export function supportName(support: SupportFunction): string {
  switch (support.kind) {
    case 'check':
      return 'mayfly.check';
    case 'settle':
      return 'mayfly.settle';
    case 'entry':
      return `mayfly.entry-${support.target}`;
    case 'charge-length':
      return `mayfly.charge-length-${support.length}`;
    case 'allocate':
      return 'mayfly.allocate';
    case 'allocate-array':
      return `mayfly.allocate-array-${support.size}`;
    case 'memory-grow':
      return `mayfly.memory-grow-${support.memory}`;
    case 'table-grow':
      return `mayfly.table-grow-${support.table}`;
  }
}

/** Encodings of the types in METER_TYPES, in that order. */
export const METER_TYPE_BYTES: readonly (readonly number[])[] = [
  [0x60, 0, 0],
  [0x60, 1, I64, 1, I32],
  [0x60, 1, I64, 0],
  [0x60, 1, I32, 1, I32],
  [0x60, 1, I64, 1, I64],
];
