import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { ModuleBounds } from './bounds.ts';
import { InstrumentError, type InstrumentErrorCode } from './error.ts';
import type { FeatureSet } from './features.ts';
import type { ModuleLayout } from './module-layout.ts';
import { OPCODE_COST } from './opcode-costs.ts';
import { IMMEDIATES, SIMD_IMMEDIATES } from './opcodes.ts';
import { MAX_PARAMS, MAX_RESULTS } from './passing.ts';
import type { MeterPlan } from './plan.ts';
import { Cursor } from './reader.ts';
import { SECTION } from './sections.ts';
import type { MeterUsage } from './usage.ts';
import type { ByteSink } from './writer.ts';

/** What assembly/index.ts exports: it says what each is for. Numbers are integers of 32 bits. */
interface MeteringCode {
  readonly memory: WebAssembly.Memory;
  setOpcode(opcode: number, immediate: number, simdImmediate: number, cost: number): void;
  begin(functions: number, types: number, memories: number, tables: number, tags: number): void;
  describe(
    bodies: number,
    importedFunctions: number,
    globals: number,
    importedGlobals: number,
    dataSegments: number,
    elementSegments: number,
    codeBytes: number,
  ): void;
  bound(
    blockDepth: number,
    functionBytes: number,
    locals: number,
    localsTotal: number,
    maxParams: number,
    maxResults: number,
  ): void;
  setFunction(index: number, type: number, traits: number): void;
  setType(
    index: number,
    params: number,
    results: number,
    fields: number,
    objectBytes: number,
    elementBytes: number,
  ): void;
  addResultByte(type: number, byte: number): void;
  setMemory(index: number, is64: number): void;
  setTable(index: number, is64: number): void;
  setTag(index: number, params: number): void;
  startReading(): void;
  openWindow(from: number, bytes: number): number;
  read(first: number, count: number, from: number): void;
  localsTotal(): number;
  longestBody(): number;
  maxDepth(): number;
  features(): number;
  charges(): number;
  hasRoomForCounter(): number;
  allocates(): number;
  lengthKinds(): number;
  arraySizes(): number;
  functionTraits(index: number): number;
  memoryUse(index: number): number;
  tableUse(index: number): number;
  dataUse(index: number): number;
  elementUse(index: number): number;
  noteCount(): number;
  setPassing(index: number): void;
  startWriting(): void;
  number(
    fuelGlobal: number,
    functionShift: number,
    globalShift: number,
    check: number,
    settle: number,
    allocate: number,
  ): void;
  setAllocateArray(size: number, helper: number): void;
  setChargeLength(kind: number, helper: number): void;
  setMemoryHelpers(memory: number, grow: number, headroom: number): void;
  setTableHelper(table: number, grow: number): void;
  write(first: number, count: number, from: number): void;
  writtenAt(): number;
  writtenBytes(): number;
  leastCost(functionIndex: number): number;
  hintedFunctions(): number;
  hintsAt(): number;
  hintBytes(): number;
}

/** FunctionTrait of assembly/module-facts.ts. */
const PINNED = 1;
const TAIL_CALLER = 2;
const TAIL_CALLEE = 4;
/** SpaceUse and SegmentUse of assembly/code-usage.ts. */
const GROWN = 1;
const SIZED = 2;
const WRITTEN = 4;
const READ = 1;
const DROPPED = 2;
/** In the order of Failure of assembly/failure.ts. */
const CODES: readonly InstrumentErrorCode[] = ['malformed', 'too_complex', 'unsupported'];
/** How much of the module lies in the memory of the metering code at once, but for a function that is longer: it stays in the cache. */
const WINDOW_BYTES = 2 ** 18;
/** A memory that has grown beyond this is left to the collector with its instance. */
const KEPT_BYTES = 2 ** 25;

const FILE = fileURLToPath(new URL('assembly/build/metering.wasm', import.meta.url));

let compiled: WebAssembly.Module | undefined;
/** For one module after the other: metering is not interrupted. */
let idle: MeteringCode | undefined;

function readCode(): Uint8Array<ArrayBuffer> {
  try {
    return readFileSync(FILE);
  } catch (cause) {
    throw new Error(`${FILE} is missing: \`npm run build:metering\` compiles it, as \`npm ci\` does`, {
      cause,
    });
  }
}

function instantiate(): MeteringCode {
  compiled ??= new WebAssembly.Module(readCode());
  const text = (at: number): string => {
    const view = new DataView(code.memory.buffer);
    // AssemblyScript keeps a string's length in bytes in front of it.
    const length = view.getInt32(at - 4, true);
    return Buffer.from(code.memory.buffer, at, length).toString('utf16le');
  };
  const { exports } = new WebAssembly.Instance(compiled, {
    failure: {
      failAtHost: (failure: number, what: number, at: number): never => {
        const errorCode = CODES[failure];
        if (errorCode === undefined) throw new RangeError(text(what));
        throw new InstrumentError(errorCode, text(what), at);
      },
    },
    env: {
      abort: (what: number): never => {
        throw new RangeError(`metering code: ${what === 0 ? 'failed' : text(what)}`);
      },
    },
  });
  const code = exports as unknown as MeteringCode;
  for (let opcode = 0; opcode < 256; opcode++)
    code.setOpcode(opcode, IMMEDIATES[opcode]!, SIMD_IMMEDIATES[opcode]!, OPCODE_COST[opcode]!);
  return code;
}

/** Bodies that lie in memory at the same time: the defined functions from `first` on, with their sizes, in bytes [from, to) of the module. */
interface Batch {
  readonly first: number;
  readonly count: number;
  readonly from: number;
  readonly to: number;
}

/**
 * Reads and writes the function bodies of one module: the host's side of the metering code (assembly/index.ts), which is WebAssembly
 * itself. To be read first, then written; released in any case.
 */
export class CodeMeter {
  readonly #code: MeteringCode;
  readonly #bytes: Uint8Array;
  readonly #layout: ModuleLayout;
  readonly #batches: Batch[] = [];

  constructor(bytes: Uint8Array, layout: ModuleLayout, bounds: ModuleBounds) {
    const code = idle ?? instantiate();
    idle = undefined;
    this.#code = code;
    this.#bytes = bytes;
    this.#layout = layout;
    const { functionTypes, types, memories64, tables64, tagParams } = layout;
    code.begin(functionTypes.length, types.length, memories64.length, tables64.length, tagParams.length);
    code.describe(
      layout.bodies,
      layout.importedFunctions,
      layout.globals,
      layout.importedGlobals,
      layout.dataSegments,
      layout.elementSegments,
      this.#codeEnd - layout.codeStart,
    );
    code.bound(
      bounds.blockDepth,
      bounds.functionBytes,
      bounds.locals,
      bounds.localsTotal,
      MAX_PARAMS,
      MAX_RESULTS,
    );
    for (const [index, type] of types.entries()) {
      const { params, results, fields, objectBytes, elementBytes, resultTypes } = type;
      code.setType(index, params, results, fields, objectBytes, elementBytes);
      for (let at = resultTypes.from; at < resultTypes.to; at++) code.addResultByte(index, bytes[at]!);
    }
    for (let index = 0; index < functionTypes.length; index++)
      code.setFunction(index, functionTypes[index]!, layout.pinnedFunctions.has(index) ? PINNED : 0);
    for (const [index, is64] of memories64.entries()) code.setMemory(index, is64 ? 1 : 0);
    for (const [index, is64] of tables64.entries()) code.setTable(index, is64 ? 1 : 0);
    for (const [index, params] of tagParams.entries()) code.setTag(index, params);
    code.startReading();
  }

  /** Gives back the metering code, which serves the next module. Nothing of this one can be asked for any more. */
  release(): void {
    if (this.#code.memory.buffer.byteLength <= KEPT_BYTES) idle = this.#code;
  }

  /** Where the code section ends. */
  get #codeEnd(): number {
    return this.#layout.sections.find(({ id }) => id === SECTION.code)?.end ?? this.#layout.codeStart;
  }

  /** Reads all bodies, and holds them to the bounds. */
  read(): void {
    const { bodies, codeStart } = this.#layout;
    const cursor = new Cursor(this.#bytes, codeStart, this.#codeEnd);
    let first = 0;
    let from = codeStart;
    for (let index = 0; index < bodies; index++) {
      const bodyAt = cursor.pos;
      cursor.skip(cursor.count('bytes of a function'));
      if (index > first && cursor.pos - from > WINDOW_BYTES) {
        this.#read({ first, count: index - first, from, to: bodyAt });
        first = index;
        from = bodyAt;
      }
    }
    if (bodies > first) this.#read({ first, count: bodies - first, from, to: cursor.pos });
    if (cursor.remaining > 0) cursor.fail('the code section is longer than its content');
  }

  #read(batch: Batch): void {
    this.#batches.push(batch);
    this.#open(batch);
    this.#code.read(batch.first, batch.count, batch.from);
  }

  #open({ from, to }: Batch): void {
    const at = this.#code.openWindow(from, to - from);
    this.#view(at, to - from).set(this.#bytes.subarray(from, to));
  }

  /** Bytes of the metering code's memory, until that grows. */
  #view(at: number, bytes: number): Uint8Array {
    return new Uint8Array(this.#code.memory.buffer, at, bytes);
  }

  /** Adds what was found in the bodies. */
  report(usage: MeterUsage, features: FeatureSet): void {
    const code = this.#code;
    const layout = this.#layout;
    features.addBits(code.features());
    usage.charges ||= code.charges() !== 0;
    usage.allocates ||= code.allocates() !== 0;
    usage.hasRoomForCounter &&= code.hasRoomForCounter() !== 0;
    for (let kind = 0; kind < usage.lengthKinds.length; kind++)
      usage.lengthKinds[kind] = ((code.lengthKinds() >> kind) & 1) !== 0;
    for (let size = 0; size < usage.arraySizes.length; size++)
      usage.arraySizes[size] = ((code.arraySizes() >> size) & 1) !== 0;
    for (let index = 0; index < layout.functionTypes.length; index++) {
      const traits = code.functionTraits(index);
      if ((traits & PINNED) !== 0) layout.pinnedFunctions.add(index);
      if ((traits & TAIL_CALLER) !== 0) usage.tailCallers.add(index);
      if ((traits & TAIL_CALLEE) !== 0) usage.tailCallees.add(index);
    }
    for (let index = 0; index < layout.memories64.length; index++) {
      const use = code.memoryUse(index);
      if ((use & GROWN) !== 0) usage.grownMemories.add(index);
      if ((use & SIZED) !== 0) usage.sizedMemories.add(index);
    }
    for (let index = 0; index < layout.tables64.length; index++) {
      const use = code.tableUse(index);
      if ((use & GROWN) !== 0) usage.grownTables.add(index);
      if ((use & WRITTEN) !== 0) usage.writtenTables.add(index);
    }
    for (let index = 0; index < layout.dataSegments; index++) {
      const use = code.dataUse(index);
      if ((use & READ) !== 0) usage.readData.add(index);
      if ((use & DROPPED) !== 0) usage.droppedData.add(index);
    }
    for (let index = 0; index < layout.elementSegments; index++) {
      const use = code.elementUse(index);
      if ((use & READ) !== 0) usage.readElements.add(index);
      if ((use & DROPPED) !== 0) usage.droppedElements.add(index);
    }
  }

  get localsTotal(): number {
    return this.#code.localsTotal();
  }

  /** Bytes of the longest body. */
  get longestBody(): number {
    return this.#code.longestBody();
  }

  /** How many blocks are around the innermost one. */
  get blockDepth(): number {
    return this.#code.maxDepth();
  }

  /** How much was noted of the code, in words. */
  get notes(): number {
    return this.#code.noteCount();
  }

  /** Writes all bodies, metered as `plan` says. */
  write(plan: MeterPlan, sink: ByteSink): void {
    this.#tell(plan);
    const code = this.#code;
    for (const batch of this.#batches) {
      this.#open(batch);
      code.write(batch.first, batch.count, batch.from);
      const length = code.writtenBytes();
      sink.copy(this.#view(code.writtenAt(), length), 0, length);
    }
  }

  #tell(plan: MeterPlan): void {
    const code = this.#code;
    for (const [index, passes] of plan.passing.entries()) if (passes === 1) code.setPassing(index);
    code.startWriting();
    const { fuelGlobal, functionShift, globalShift, check, settle, allocate } = plan;
    code.number(fuelGlobal, functionShift, globalShift, check, settle, allocate);
    for (const [size, helper] of plan.allocateArray.entries()) code.setAllocateArray(size, helper);
    for (const [kind, helper] of plan.chargeLength.entries()) code.setChargeLength(kind, helper);
    for (const [memory, headroom] of plan.headrooms)
      code.setMemoryHelpers(memory, plan.memoryGrow.get(memory) ?? -1, headroom);
    for (const [table, grow] of plan.tableGrow) code.setTableHelper(table, grow);
  }

  /** What callers pay ahead for a function that takes the counter (assembly/least-costs.ts). To be asked once all is written. */
  leastCost(functionIndex: number): number {
    return this.#code.leastCost(functionIndex);
  }

  /** How many of the functions written have branch hints, and these hints. */
  get hintedFunctions(): number {
    return this.#code.hintedFunctions();
  }

  branchHints(): Uint8Array {
    return this.#view(this.#code.hintsAt(), this.#code.hintBytes());
  }
}
