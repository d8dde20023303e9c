/**
 * What the host (../code-meter.ts) calls, in this order, once for each module: `begin`, `describe`, `bound` and what sets the rest;
 * `startReading`, then `openWindow` and `read` for each batch of bodies, in order; whatever asks for what was found; `setPassing`,
 * `startWriting`, `number` and what sets the rest of the plan; `openWindow` and `write` for each batch. Names, indices and lengths
 * are as in the classes that they fill.
 */
import { BodyWriter } from './body-writer.ts';
import { BranchHints } from './branch-hints.ts';
import { ByteSink } from './byte-sink.ts';
import { Code } from './code.ts';
import { CodeUsage } from './code-usage.ts';
import { FunctionReader } from './function-reader.ts';
import { MeterPlan } from './meter-plan.ts';
import { MeteredFunction } from './metered-function.ts';
import { FunctionTrait, ModuleFacts } from './module-facts.ts';
import { IMMEDIATES, OPCODE_COST, SIMD_IMMEDIATES } from './opcodes.ts';

let facts!: ModuleFacts;
let usage!: CodeUsage;
let reader!: FunctionReader;
let plan!: MeterPlan;
let metered!: MeteredFunction;
let written!: ByteSink;
let hints!: BranchHints;
let writer!: BodyWriter;

/** For the bodies of a usual batch. */
const WRITTEN_BYTES: i32 = 1 << 19;

/** Fills the row of an opcode in the tables that hold for all modules. */
export function setOpcode(opcode: i32, immediate: i32, simdImmediate: i32, cost: i32): void {
  IMMEDIATES[opcode] = immediate;
  SIMD_IMMEDIATES[opcode] = simdImmediate;
  OPCODE_COST[opcode] = cost;
}

/** Starts with a module of so many functions, types, memories, tables and tags. All that is known of another one is forgotten. */
export function begin(functions: i32, types: i32, memories: i32, tables: i32, tags: i32): void {
  heap.reset();
  Code.forget();
  facts = new ModuleFacts(functions, types, memories, tables, tags);
}

/** Further numbers of the module, as ModuleFacts has them. */
export function describe(
  bodies: i32,
  importedFunctions: i32,
  globals: i32,
  importedGlobals: i32,
  dataSegments: i32,
  elementSegments: i32,
  codeBytes: i32,
): void {
  facts.bodies = bodies;
  facts.importedFunctions = importedFunctions;
  facts.globals = globals;
  facts.importedGlobals = importedGlobals;
  facts.dataSegments = dataSegments;
  facts.elementSegments = elementSegments;
  facts.codeBytes = codeBytes;
}

/** The bounds that the module is held to. */
export function bound(
  blockDepth: i32,
  functionBytes: i32,
  locals: i32,
  localsTotal: i32,
  maxParams: i32,
  maxResults: i32,
): void {
  facts.blockDepth = blockDepth;
  facts.functionBytes = functionBytes;
  facts.locals = locals;
  facts.localsTotal = localsTotal;
  facts.maxParams = maxParams;
  facts.maxResults = maxResults;
}

export function setFunction(index: i32, type: i32, traits: i32): void {
  facts.functionTypes[index] = type;
  facts.functionTraits[index] = traits;
}

/** Types are set in their order. */
export function setType(
  index: i32,
  params: i32,
  results: i32,
  fields: i32,
  objectBytes: i32,
  elementBytes: i32,
): void {
  facts.params[index] = params;
  facts.results[index] = results;
  facts.fields[index] = fields;
  facts.objectBytes[index] = objectBytes;
  facts.elementBytes[index] = elementBytes;
  facts.resultStarts[index + 1] = facts.resultStarts[index];
}

/** Of the type that was set last. */
export function addResultByte(type: i32, byte: i32): void {
  facts.addResultByte(type, byte);
}

export function setMemory(index: i32, is64: i32): void {
  facts.memories64[index] = is64;
}

export function setTable(index: i32, is64: i32): void {
  facts.tables64[index] = is64;
}

export function setTag(index: i32, params: i32): void {
  facts.tagParams[index] = params;
}

export function startReading(): void {
  usage = new CodeUsage(facts);
  reader = new FunctionReader(facts, usage);
}

/** Makes room for `bytes` bytes of the module from `from` on: whole bodies with their sizes. Returns where the host puts them. */
export function openWindow(from: i32, bytes: i32): usize {
  return Code.open(from, bytes);
}

/** Reads the `count` bodies from the defined function `first` on, which the window holds from `from` on. */
export function read(first: i32, count: i32, from: i32): void {
  let at = from;
  for (let index = first; index < first + count; index++) {
    const start = Code.behindInteger(at);
    const end = start + Code.integerAt(at);
    reader.read(index, start, end);
    at = end;
  }
}

export function localsTotal(): i32 {
  return reader.localsTotal;
}

export function longestBody(): i32 {
  return reader.longestBody;
}

export function maxDepth(): i32 {
  return reader.recorder.maxDepth;
}

export function features(): i32 {
  return usage.features;
}

export function charges(): bool {
  return usage.charges;
}

export function hasRoomForCounter(): bool {
  return usage.hasRoomForCounter;
}

export function allocates(): bool {
  return usage.allocates;
}

export function lengthKinds(): i32 {
  return usage.lengthKinds;
}

export function arraySizes(): i32 {
  return usage.arraySizes;
}

/** FunctionTrait bits. */
export function functionTraits(index: i32): i32 {
  return facts.functionTraits[index];
}

/** SpaceUse bits. */
export function memoryUse(index: i32): i32 {
  return usage.memories[index];
}

export function tableUse(index: i32): i32 {
  return usage.tables[index];
}

/** SegmentUse bits. */
export function dataUse(index: i32): i32 {
  return usage.data[index];
}

export function elementUse(index: i32): i32 {
  return usage.elements[index];
}

/** How many words the notes take. */
export function noteCount(): i32 {
  return reader.recorder.length;
}

/** The function takes the counter and gives it back. */
export function setPassing(index: i32): void {
  facts.functionTraits[index] |= FunctionTrait.Passing;
}

/** Once it is known which functions pass the counter. */
export function startWriting(): void {
  plan = new MeterPlan(facts);
  metered = new MeteredFunction(facts, usage, reader.recorder, reader.calls);
  written = new ByteSink(WRITTEN_BYTES);
  hints = new BranchHints();
  writer = new BodyWriter(facts, plan, reader.recorder, metered, written, hints);
}

/** Numbers of the metered module, as MeterPlan has them. */
export function number(
  fuelGlobal: i32,
  functionShift: i32,
  globalShift: i32,
  check: i32,
  settle: i32,
  allocate: i32,
): void {
  plan.fuelGlobal = fuelGlobal;
  plan.functionShift = functionShift;
  plan.globalShift = globalShift;
  plan.check = check;
  plan.settle = settle;
  plan.allocate = allocate;
}

export function setAllocateArray(size: i32, helper: i32): void {
  plan.allocateArray[size] = helper;
}

export function setChargeLength(kind: i32, helper: i32): void {
  plan.chargeLength[kind] = helper;
}

export function setMemoryHelpers(memory: i32, grow: i32, headroom: i32): void {
  plan.memoryGrow[memory] = grow;
  plan.headrooms[memory] = headroom;
}

export function setTableHelper(table: i32, grow: i32): void {
  plan.tableGrow[table] = grow;
}

/** Writes the `count` bodies from the defined function `first` on, which the window holds from `from` on. What was written before is forgotten. */
export function write(first: i32, count: i32, from: i32): void {
  written.clear();
  let at = from;
  for (let index = first; index < first + count; index++) {
    const start = Code.behindInteger(at);
    const end = start + Code.integerAt(at);
    metered.enter(index, start, end);
    writer.write(index, start, end);
    at = end;
  }
}

export function writtenAt(): usize {
  return written.start;
}

export function writtenBytes(): i32 {
  return written.length;
}

/** What callers pay ahead for a function that passes the counter. */
export function leastCost(functionIndex: i32): i32 {
  return metered.leastCosts.of(functionIndex);
}

/** How many functions have branch hints. */
export function hintedFunctions(): i32 {
  return hints.functionCount;
}

export function hintsAt(): usize {
  return hints.functions.start;
}

export function hintBytes(): i32 {
  return hints.functions.length;
}
