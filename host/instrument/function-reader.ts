import type { ModuleBounds } from './bounds.ts';
import { CallBounds } from './call-bounds.ts';
import { CodeRecorder } from './code-recorder.ts';
import * as records from './code-records.ts';
import { readIndex } from './constant-expression.ts';
import { ControlInstructions } from './control-instructions.ts';
import * as costs from './cost-model.ts';
import { entryCost } from './cost-model.ts';
import { tooMany } from './declaration-scan.ts';
import * as edits from './edits.ts';
import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import { FrequentInstructions } from './frequent-instructions.ts';
import { readLabel, readMemory, skipMemoryArgument } from './immediates.ts';
import { readLocals } from './local-declarations.ts';
import type { ModuleLayout } from './module-layout.ts';
import * as encoding from './opcodes.ts';
import { mayPass } from './passing.ts';
import { PrefixedInstructions } from './prefixed-instructions.ts';
import { Cursor } from './reader.ts';
import type { MeterUsage } from './usage.ts';
import { skipHeapType } from './value-types.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { RECORD } = records;
const { OPCODE_COST } = costs;
const { EDIT } = edits;
const { IMMEDIATE, IMMEDIATES } = encoding;

/** V8's kV8MaxWasmFunctionLocals, less what counted loops may need. */
export const MAX_LOCALS: number = 50_000 - 2;

/** The number of no local, nor what frequent-instructions.ts takes for one (-1). */
const NOT_MOVED = -2;

/**
 * Reads function bodies, each once and one after the other: holds them to the bounds, and notes in `recorder` all that
 * metering asks of them later. One object serves all functions of a module.
 */
export class FunctionReader {
  readonly recorder: CodeRecorder;
  /** What is found of the functions' calls. */
  readonly calls: CallBounds;
  localsTotal = 0;
  longestBody = 0;
  readonly #layout: ModuleLayout;
  readonly #bounds: ModuleBounds;
  readonly #features: FeatureSet;
  readonly #usage: MeterUsage;
  readonly #cursor: Cursor;
  readonly #frequent: FrequentInstructions;
  readonly #control: ControlInstructions;
  readonly #prefixed: PrefixedInstructions;

  constructor(
    bytes: Uint8Array,
    layout: ModuleLayout,
    codeBytes: number,
    bounds: ModuleBounds,
    features: FeatureSet,
    usage: MeterUsage,
  ) {
    this.#layout = layout;
    this.#bounds = bounds;
    this.#features = features;
    this.#usage = usage;
    const { blockDepth } = bounds;
    const cursor = new Cursor(bytes);
    const recorder = new CodeRecorder(layout.bodies, codeBytes, blockDepth);
    const calls = new CallBounds(layout.importedFunctions, layout.bodies);
    this.#cursor = cursor;
    this.recorder = recorder;
    this.calls = calls;
    this.#frequent = new FrequentInstructions(cursor, recorder, calls, layout, blockDepth);
    this.#control = new ControlInstructions(cursor, recorder, calls, layout, features, usage, blockDepth);
    this.#prefixed = new PrefixedInstructions(cursor, recorder, layout, features, usage);
  }

  /** Reads the body `[start, end)` of the defined function `index` (imported ones not counted). */
  read(index: number, start: number, end: number): void {
    const { functionBytes } = this.#bounds;
    if (end - start > functionBytes) tooMany(end - start, functionBytes, 'bytes in a function', start);
    this.longestBody = Math.max(this.longestBody, end - start);
    const cursor = this.#cursor;
    const recorder = this.recorder;
    cursor.pos = start;
    cursor.end = end;
    const functionIndex = this.#layout.importedFunctions + index;
    const { declared } = readLocals(cursor, this.#features);
    this.#countLocals(declared, start);
    const { params } = this.#layout.types[this.#layout.functionTypes[functionIndex]!]!;
    const locals = params + declared;
    if (locals >= MAX_LOCALS) this.#usage.hasRoomForCounter = false;
    // The counter becomes a parameter in its place.
    const moved = declared > 0 && mayPass(this.#layout, functionIndex) ? params : NOT_MOVED;
    this.#control.enter(functionIndex);
    recorder.enter(index, cursor.pos, end - start, entryCost(declared));
    this.#readCode(locals, moved);
    if (cursor.pos !== end) cursor.fail('bytes behind the end of a function');
    recorder.close(index);
    if (recorder.total > 0) this.#usage.charges = true;
    this.calls.close(index, recorder.total, !recorder.hasLoops && !this.#control.callsUnknown);
  }

  #countLocals(declared: number, at: number): void {
    const { locals, localsTotal } = this.#bounds;
    if (declared > locals) tooMany(declared, locals, 'locals in a function', at);
    this.localsTotal += declared;
    if (this.localsTotal > localsTotal) tooMany(this.localsTotal, localsTotal, 'locals in all functions', at);
  }

  #readCode(locals: number, moved: number): void {
    const cursor = this.#cursor;
    const recorder = this.recorder;
    for (;;) {
      this.#frequent.read(locals, moved);
      const at = cursor.pos;
      const opcode = cursor.u8();
      recorder.cost += OPCODE_COST[opcode]!;
      switch (IMMEDIATES[opcode]) {
        case IMMEDIATE.none:
          if (opcode === 0x00) recorder.leave(RECORD.trap, at);
          else if (opcode >= 0xc0) this.#features.add(opcode >= 0xd0 ? 'reference-types' : 'sign-extension');
          break;
        case IMMEDIATE.local:
          if (readIndex(cursor, locals, 'local') !== moved) break;
          if (cursor.pos === at + 2) recorder.uses.add(at);
          else recorder.index(RECORD.firstLocal, at);
          break;
        case IMMEDIATE.memory:
          skipMemoryArgument(cursor, this.#layout, this.#features);
          break;
        case IMMEDIATE.i32:
          cursor.skipS32();
          break;
        case IMMEDIATE.i64:
          cursor.skipS64();
          break;
        case IMMEDIATE.bytes4:
          cursor.skip(4);
          break;
        case IMMEDIATE.bytes8:
          cursor.skip(8);
          break;
        case IMMEDIATE.table:
          this.#readTableAccess(opcode);
          break;
        case IMMEDIATE.special:
          if (opcode >= 0x20) this.#readSpecial(opcode, at);
          else if (this.#control.read(opcode, at)) return;
          break;
        default:
          if (opcode === 0xfe) throw new InstrumentError('unsupported', 'atomic instructions', at);
          if (opcode >= 0xe0 && opcode <= 0xe6)
            throw new InstrumentError('unsupported', 'stack switching', at);
          cursor.fail(`unknown opcode 0x${opcode.toString(16)}`, at);
      }
    }
  }

  /** table.get, table.set */
  #readTableAccess(opcode: number): void {
    const table = readIndex(this.#cursor, this.#layout.tables64.length, 'table');
    this.#features.add('reference-types');
    if (opcode === 0x26) this.#usage.writtenTables.add(table);
  }

  #readSpecial(opcode: number, at: number): void {
    const cursor = this.#cursor;
    const recorder = this.recorder;
    const layout = this.#layout;
    switch (opcode) {
      case 0x23: // global.get
      case 0x24: // global.set
        if (readIndex(cursor, layout.globals, 'global') >= layout.importedGlobals)
          recorder.index(RECORD.globalIndex, at);
        return;
      case 0x3f: {
        const memory = readMemory(cursor, layout, this.#features);
        recorder.edit(EDIT.subtractHeadroom, memory, at);
        this.#usage.sizedMemories.add(memory);
        return;
      }
      case 0x40: {
        const memory = readMemory(cursor, layout, this.#features);
        recorder.edit(EDIT.memoryGrow, memory, at);
        this.#usage.grownMemories.add(memory);
        this.#usage.sizedMemories.add(memory);
        return;
      }
      case 0xd0: // ref.null
        this.#features.add('reference-types');
        skipHeapType(cursor, this.#features);
        return;
      case 0xd2: {
        // ref.func
        this.#features.add('reference-types');
        const index = readIndex(cursor, layout.functionTypes.length, 'function');
        layout.pinnedFunctions.add(index);
        if (index >= layout.importedFunctions) recorder.index(RECORD.functionIndex, at);
        return;
      }
      case 0xd5: // br_on_null
      case 0xd6: // br_on_non_null
        this.#features.add('function-references');
        recorder.otherBranch(readLabel(cursor, recorder, at), at);
        return;
      case 0xfb:
        this.#prefixed.readGc(at);
        return;
      case 0xfc:
        this.#prefixed.readBulk(at);
        return;
      default:
        this.#prefixed.readSimd(at);
    }
  }
}
