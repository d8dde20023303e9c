import type { ModuleBounds } from './bounds.ts';
import { readFunctionIndex, readGlobalIndex, readIndex } from './constant-expression.ts';
import { entryCost, OPCODE_COST } from './cost-model.ts';
import { tooMany } from './declaration-scan.ts';
import { EDIT, type EditList } from './edits.ts';
import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import { readBranch, readMemory, skipMemoryArgument } from './immediates.ts';
import type { ModuleLayout } from './module-layout.ts';
import { IMMEDIATE, IMMEDIATES } from './opcodes.ts';
import { PrefixedInstructions } from './prefixed-instructions.ts';
import { Cursor } from './reader.ts';
import { RunTracker } from './runs.ts';
import type { MeterUsage } from './usage.ts';
import { skipBlockType, skipHeapType, skipValueType } from './value-types.ts';

/**
 * Reads function bodies, one after the other, and says in `edits` what metering does to each: the charges and
 * checks that runs.ts places, the indices that shift, the instructions that are charged by length or that
 * grow something. Nothing is written here. One object serves all functions of a module.
 */
export class FunctionAnalysis {
  /** Of the body read last. */
  readonly edits: EditList;
  localsTotal = 0;
  longestBody = 0;
  readonly #layout: ModuleLayout;
  readonly #bounds: ModuleBounds;
  readonly #features: FeatureSet;
  readonly #usage: MeterUsage;
  readonly #cursor: Cursor;
  readonly #runs: RunTracker;
  readonly #prefixed: PrefixedInstructions;

  constructor(
    bytes: Uint8Array,
    layout: ModuleLayout,
    bounds: ModuleBounds,
    features: FeatureSet,
    usage: MeterUsage,
    edits: EditList,
  ) {
    this.edits = edits;
    this.#layout = layout;
    this.#bounds = bounds;
    this.#features = features;
    this.#usage = usage;
    this.#cursor = new Cursor(bytes);
    this.#runs = new RunTracker(edits, bounds.blockDepth);
    this.#prefixed = new PrefixedInstructions(this.#cursor, this.#runs, layout, features, usage, edits);
  }

  get blockDepth(): number {
    return this.#runs.maxDepth;
  }

  /** Reads the body `[start, end)` of the defined function `index` (imported ones not counted). */
  read(index: number, start: number, end: number): void {
    const { functionBytes } = this.#bounds;
    if (end - start > functionBytes) tooMany(end - start, functionBytes, 'bytes in a function', start);
    this.longestBody = Math.max(this.longestBody, end - start);
    this.edits.clear();
    const cursor = this.#cursor;
    cursor.pos = start;
    cursor.end = end;
    const declared = this.#readLocals();
    const type = this.#layout.functionTypes[this.#layout.importedFunctions + index]!;
    this.#readBody(this.#layout.types[type]!.params + declared, entryCost(declared));
    if (cursor.pos !== end) cursor.fail('bytes behind the end of a function');
    if (this.#runs.charges) this.#usage.charges = true;
  }

  #readLocals(): number {
    const cursor = this.#cursor;
    const { locals, localsTotal } = this.#bounds;
    const at = cursor.pos;
    const groups = cursor.count('groups of locals', 2);
    let declared = 0;
    for (let i = 0; i < groups; i++) {
      declared += cursor.u32();
      skipValueType(cursor, this.#features);
    }
    if (declared > locals) tooMany(declared, locals, 'locals in a function', at);
    this.localsTotal += declared;
    if (this.localsTotal > localsTotal) tooMany(this.localsTotal, localsTotal, 'locals in all functions', at);
    return declared;
  }

  #readBody(locals: number, entry: number): void {
    const cursor = this.#cursor;
    const runs = this.#runs;
    const layout = this.#layout;
    runs.enter(cursor.pos, entry);
    for (;;) {
      const at = cursor.pos;
      const opcode = cursor.u8();
      runs.add(OPCODE_COST[opcode]!);
      switch (IMMEDIATES[opcode]) {
        case IMMEDIATE.none:
          if (opcode === 0x00) runs.terminate();
          else if (opcode >= 0xc0) this.#features.add(opcode >= 0xd0 ? 'reference-types' : 'sign-extension');
          break;
        case IMMEDIATE.local:
          readIndex(cursor, locals, 'local');
          break;
        case IMMEDIATE.memory:
          skipMemoryArgument(cursor, layout, this.#features);
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
          readIndex(cursor, layout.tables64.length, 'table');
          this.#features.add('reference-types');
          break;
        case IMMEDIATE.special:
          if (opcode === 0x0b) {
            if (runs.end(cursor.pos)) return;
          } else if (opcode < 0x20) this.#readControl(opcode, at);
          else this.#readSpecial(opcode, at);
          break;
        default:
          if (opcode === 0xfe) throw new InstrumentError('unsupported', 'atomic instructions', at);
          if (opcode >= 0xe0 && opcode <= 0xe6)
            throw new InstrumentError('unsupported', 'stack switching', at);
          cursor.fail(`unknown opcode 0x${opcode.toString(16)}`, at);
      }
    }
  }

  #checkDepth(at: number): void {
    const { blockDepth } = this.#bounds;
    if (this.#runs.depth >= blockDepth) tooMany(this.#runs.depth + 1, blockDepth, 'nested blocks', at);
  }

  #readControl(opcode: number, at: number): void {
    const cursor = this.#cursor;
    const runs = this.#runs;
    const { types, tables64, tags } = this.#layout;
    switch (opcode) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x06: // try
        this.#checkDepth(at);
        skipBlockType(cursor, this.#features, types.length);
        if (opcode === 0x03) runs.loop(cursor.pos);
        else if (opcode === 0x04) runs.if(cursor.pos);
        else runs.block();
        if (opcode === 0x06) this.#features.add('legacy-exceptions');
        return;
      case 0x05: // else
        if (!runs.else(cursor.pos)) cursor.fail('else without if', at);
        return;
      case 0x07: // catch
        readIndex(cursor, tags, 'tag');
        if (!runs.catch(cursor.pos)) cursor.fail('catch without try', at);
        return;
      case 0x19: // catch_all
        if (!runs.catch(cursor.pos)) cursor.fail('catch_all without try', at);
        return;
      case 0x18: // delegate
        cursor.u32();
        if (runs.end(cursor.pos)) cursor.fail('delegate without try', at);
        return;
      case 0x08: // throw
        readIndex(cursor, tags, 'tag');
        this.#features.add('exceptions');
        runs.terminate();
        return;
      case 0x09: // rethrow
        cursor.u32();
        runs.terminate();
        return;
      case 0x0a: // throw_ref
        this.#features.add('exceptions');
        runs.terminate();
        return;
      case 0x0c: // br
        readBranch(cursor, runs, at);
        runs.terminate();
        return;
      case 0x0d: // br_if
        this.#branchIf(at);
        return;
      case 0x0e: // br_table
        this.#branchTable(at);
        return;
      case 0x0f: // return
        runs.terminate();
        return;
      case 0x10: // call
      case 0x12: // return_call
        readFunctionIndex(cursor, this.#layout, this.edits);
        if (opcode === 0x12) this.#tailCall();
        return;
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        readIndex(cursor, types.length, 'type');
        readIndex(cursor, tables64.length, 'table');
        if (opcode === 0x13) this.#tailCall();
        return;
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        readIndex(cursor, types.length, 'type');
        this.#features.add('function-references');
        if (opcode === 0x15) this.#tailCall();
        return;
      case 0x1c: {
        const count = cursor.count('types of a select');
        for (let i = 0; i < count; i++) skipValueType(cursor, this.#features);
        return;
      }
      case 0x1f: // try_table
        this.#checkDepth(at);
        this.#tryTable(at);
        return;
      default:
        cursor.fail(`unknown opcode 0x${opcode.toString(16)}`, at);
    }
  }

  #tailCall(): void {
    this.#features.add('tail-call');
    this.#runs.terminate();
  }

  #branchIf(at: number): void {
    const since = readBranch(this.#cursor, this.#runs, at);
    this.#runs.resume(this.#cursor.pos, since);
  }

  #branchTable(at: number): void {
    const cursor = this.#cursor;
    const count = cursor.count('labels');
    const since = this.#runs.closeForBranch();
    for (let i = 0; i <= count; i++) {
      if (!this.#runs.target(cursor.u32(), since)) cursor.fail('unknown label in br_table', at);
    }
    this.#runs.terminate();
  }

  /** Its handlers are labels outside of it, which any of its instructions may jump to. */
  #tryTable(at: number): void {
    const cursor = this.#cursor;
    const { types, tags } = this.#layout;
    this.#features.add('exceptions');
    skipBlockType(cursor, this.#features, types.length);
    const handlers = cursor.count('handlers', 2);
    for (let i = 0; i < handlers; i++) {
      const kind = cursor.u8();
      if (kind > 3) cursor.fail(`unknown kind of handler ${kind}`, at);
      if (kind < 2) readIndex(cursor, tags, 'tag');
      if (!this.#runs.target(cursor.u32(), Number.MAX_SAFE_INTEGER))
        cursor.fail('unknown label of a handler', at);
    }
    this.#runs.block();
  }

  #readSpecial(opcode: number, at: number): void {
    const cursor = this.#cursor;
    const layout = this.#layout;
    switch (opcode) {
      case 0x23: // global.get
      case 0x24: // global.set
        readGlobalIndex(cursor, layout, this.edits);
        return;
      case 0x3f: // memory.size
        readMemory(cursor, layout, this.#features);
        return;
      case 0x40: {
        const memory = readMemory(cursor, layout, this.#features);
        this.edits.add(at, EDIT.memoryGrow, memory);
        this.#usage.grownMemories.add(memory);
        return;
      }
      case 0xd0: // ref.null
        this.#features.add('reference-types');
        skipHeapType(cursor, this.#features);
        return;
      case 0xd2: // ref.func
        this.#features.add('reference-types');
        readFunctionIndex(cursor, layout, this.edits);
        return;
      case 0xd5: // br_on_null
      case 0xd6: // br_on_non_null
        this.#features.add('function-references');
        this.#branchIf(at);
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
