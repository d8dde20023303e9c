import type { ModuleBounds } from './bounds.ts';
import { CallBounds } from './call-bounds.ts';
import { readFunctionIndex, readGlobalIndex, readIndex } from './constant-expression.ts';
import { entryCost, OPCODE_COST } from './cost-model.ts';
import type { CountedLoop } from './counted-loop.ts';
import { tooMany } from './declaration-scan.ts';
import { EDIT, type EditList } from './edits.ts';
import { InstrumentError } from './error.ts';
import type { FeatureSet } from './features.ts';
import { FLOW, FlowRecorder } from './flow.ts';
import {
  readBranch,
  readBranchTable,
  readMemory,
  skipMemoryArgument,
  skipSelectTypes,
} from './immediates.ts';
import { readLocals } from './local-declarations.ts';
import type { ByteRange, ModuleLayout } from './module-layout.ts';
import { exceptionBytes } from './object-size.ts';
import { IMMEDIATE, IMMEDIATES } from './opcodes.ts';
import { ChargePlacement } from './placement.ts';
import { PrefixedInstructions } from './prefixed-instructions.ts';
import { Cursor } from './reader.ts';
import { SimpleInstructions } from './simple-instructions.ts';
import type { MeterUsage } from './usage.ts';
import { skipBlockType, skipHeapType } from './value-types.ts';

/** V8's kV8MaxWasmFunctionLocals, less what counted loops may need. */
const MAX_LOCALS: number = 50_000 - 2;

/**
 * Reads function bodies, one after the other, and says in `edits` what metering does to each: the charges and
 * checks that flow.ts places, the indices that shift, the instructions that are charged by length or that
 * grow something. Nothing is written here. One object serves all functions of a module.
 */
export class FunctionAnalysis {
  /** Of the body read last. */
  readonly edits: EditList;
  /** Which functions pass the counter; once it is known, reading decides on charges too. */
  passing: Uint8Array | undefined;
  /** What the first reading finds of the functions' calls, and what the second one knows of them. */
  readonly calls: CallBounds;
  callBounds: Uint16Array = new Uint16Array();
  /** Whether the function that is being read calls what is not known by its index, or leaves by such a call. */
  #callsUnknown = false;
  /** Of the body read last: the type of its first local, and of its result if it has one. */
  firstLocal: ByteRange = { from: 0, to: 0 };
  result: ByteRange = { from: 0, to: 0 };
  /** The local that makes room for the counter, which is a parameter: the first declared one, or -1. */
  #movedLocal = -1;
  #movedTo = 0;
  #isPassing = false;
  /** Of the body read last, if its edits use one: the local that counts what is not yet charged. */
  counterLocal = 0;
  localsTotal = 0;
  #function = 0;
  #bodyEndSlot = 0;
  longestBody = 0;
  readonly #layout: ModuleLayout;
  readonly #bounds: ModuleBounds;
  readonly #features: FeatureSet;
  readonly #usage: MeterUsage;
  readonly #cursor: Cursor;
  readonly #flow: FlowRecorder;
  readonly #placement: ChargePlacement;
  readonly #simple: SimpleInstructions;
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
    this.calls = new CallBounds(layout.importedFunctions, layout.bodies);
    this.#layout = layout;
    this.#bounds = bounds;
    this.#features = features;
    this.#usage = usage;
    this.#cursor = new Cursor(bytes);
    this.#flow = new FlowRecorder(edits, bounds.blockDepth);
    this.#placement = new ChargePlacement(bytes, this.#flow, edits, bounds.blockDepth);
    this.#simple = new SimpleInstructions(this.#cursor, this.#flow, layout, edits);
    this.#prefixed = new PrefixedInstructions(this.#cursor, this.#flow, layout, features, usage, edits);
  }

  get blockDepth(): number {
    return this.#flow.maxDepth;
  }

  /** Of the body read last; see placement. */
  get countedLoops(): readonly CountedLoop[] {
    return this.#placement.countedLoops;
  }

  /** The new number of a local of the body read last. */
  renamed(local: number): number {
    return local === this.#movedLocal ? this.#movedTo : local;
  }

  /** The first of the two locals that its counted loops need. */
  get firstTurnsLocal(): number {
    return this.#movedTo + 1;
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
    const isPlacing = this.passing !== undefined;
    const functionIndex = this.#layout.importedFunctions + index;
    const isPassing = this.passing?.[functionIndex] === 1;
    this.#function = functionIndex;
    this.#isPassing = isPassing;
    const groupsSlot = isPlacing ? this.edits.add(start, EDIT.none, 0) : -1;
    const declarations = readLocals(cursor, this.#features, this.edits, isPassing);
    const { declared } = declarations;
    this.firstLocal = declarations.first;
    this.#countLocals(declared, start);
    const declarationSlot = isPlacing ? this.edits.add(cursor.pos, EDIT.none, 0) : -1;
    const turnsSlot = isPlacing ? this.edits.add(cursor.pos, EDIT.none, 0) : -1;
    const bodySlot = isPassing ? this.edits.add(cursor.pos, EDIT.none, 0) : -1;
    const { params, resultTypes } = this.#layout.types[this.#layout.functionTypes[functionIndex]!]!;
    const locals = params + declared;
    this.result = resultTypes;
    this.#movedLocal = isPassing && declared > 0 ? params : -1;
    this.#movedTo = locals;
    this.#flow.isRecording = isPlacing;
    this.#callsUnknown = false;
    this.#readBody(locals, entryCost(declared));
    if (cursor.pos !== end) cursor.fail('bytes behind the end of a function');
    if (this.#flow.total > 0) this.#usage.charges = true;
    if (locals >= MAX_LOCALS) this.#usage.hasRoomForCounter = false;
    if (!isPlacing) {
      this.calls.close(index, this.#flow.total, !this.#flow.hasLoops && !this.#callsUnknown);
      return;
    }
    if (this.#flow.total > 0) this.#placement.place(locals < MAX_LOCALS, isPassing);
    if (isPassing) {
      this.counterLocal = params;
      if (this.#flow.isBodyTarget) {
        this.edits.set(bodySlot, EDIT.openBody, 0);
        this.edits.set(this.#bodyEndSlot, EDIT.closeBody, 0);
      }
      if (declared > 0) this.edits.set(declarationSlot, EDIT.declareMoved, 0);
    }
    let groups = declarations.groups + (isPassing && declared > 0 ? 1 : 0);
    if (this.#flow.total > 0) {
      if (!isPassing && this.#placement.usesCounter) {
        this.counterLocal = locals;
        this.edits.set(declarationSlot, EDIT.declareCounter, 0);
        groups++;
      }
      if (this.#placement.countedLoops.length > 0) {
        this.edits.set(turnsSlot, EDIT.declareTurns, 0);
        groups++;
      }
    }
    if (groups > declarations.groups) this.edits.set(groupsSlot, EDIT.number, groups);
  }

  #countLocals(declared: number, at: number): void {
    const { locals, localsTotal } = this.#bounds;
    if (declared > locals) tooMany(declared, locals, 'locals in a function', at);
    this.localsTotal += declared;
    if (this.localsTotal > localsTotal) tooMany(this.localsTotal, localsTotal, 'locals in all functions', at);
  }

  #readBody(locals: number, entry: number): void {
    const cursor = this.#cursor;
    const flow = this.#flow;
    const layout = this.#layout;
    const simple = this.#simple;
    flow.enter(cursor.pos, entry);
    for (;;) {
      simple.read(locals, this.#movedLocal, this.#movedTo);
      const at = cursor.pos;
      const opcode = cursor.u8();
      flow.add(OPCODE_COST[opcode]!);
      switch (IMMEDIATES[opcode]) {
        case IMMEDIATE.none:
          if (opcode === 0x00) flow.leave(FLOW.trap, at);
          else if (opcode >= 0xc0) this.#features.add(opcode >= 0xd0 ? 'reference-types' : 'sign-extension');
          break;
        case IMMEDIATE.local:
          if (readIndex(cursor, locals, 'local') === this.#movedLocal)
            this.edits.add(at + 1, EDIT.localIndex, this.#movedTo);
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
          this.#readTableAccess(opcode);
          break;
        case IMMEDIATE.special:
          if (opcode === 0x0b) {
            if (flow.end(at, cursor.pos)) {
              if (this.#isPassing) {
                this.#bodyEndSlot = this.edits.add(at, EDIT.none, 0);
                this.edits.add(at, EDIT.pushCounter, 0);
              }
              return;
            }
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

  /** table.get, table.set */
  #readTableAccess(opcode: number): void {
    const table = readIndex(this.#cursor, this.#layout.tables64.length, 'table');
    this.#features.add('reference-types');
    if (opcode === 0x26) this.#usage.writtenTables.add(table);
  }

  #checkDepth(at: number): void {
    const { blockDepth } = this.#bounds;
    if (this.#flow.depth >= blockDepth) tooMany(this.#flow.depth + 1, blockDepth, 'nested blocks', at);
  }

  #readControl(opcode: number, at: number): void {
    const cursor = this.#cursor;
    const flow = this.#flow;
    const { types, tables64, tags } = this.#layout;
    switch (opcode) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x06: // try
        this.#checkDepth(at);
        skipBlockType(cursor, this.#features, types.length);
        if (opcode === 0x03) flow.loop(at, cursor.pos);
        else if (opcode === 0x04) flow.if(at, cursor.pos);
        else flow.block(at);
        if (opcode === 0x06) this.#features.add('legacy-exceptions');
        return;
      case 0x05: // else
        if (!flow.else(at, cursor.pos)) cursor.fail('else without if', at);
        return;
      case 0x07: // catch
      case 0x19: // catch_all
        if (opcode === 0x07) readIndex(cursor, tags, 'tag');
        if (!flow.catch(at, cursor.pos)) cursor.fail('a handler without try', at);
        return;
      case 0x18: // delegate
        cursor.u32();
        if (flow.end(at, cursor.pos)) cursor.fail('delegate without try', at);
        return;
      case 0x08: // throw
        this.#features.add('exceptions');
        this.#throw(readIndex(cursor, tags, 'tag'), at);
        return;
      case 0x09: // rethrow
      case 0x0a: // throw_ref
        if (opcode === 0x09) cursor.u32();
        else this.#features.add('exceptions');
        flow.leave(FLOW.throw, at);
        return;
      case 0x0c: // br
        readBranch(cursor, flow, FLOW.branch, at);
        flow.terminate();
        return;
      case 0x0d: // br_if
        readBranch(cursor, flow, FLOW.branchIf, at);
        return;
      case 0x0e: // br_table
        readBranchTable(cursor, flow, at);
        return;
      case 0x0f: // return
        flow.leave(FLOW.leave, at);
        if (this.#isPassing) this.edits.add(at, EDIT.pushCounter, 0);
        return;
      case 0x10: // call
      case 0x12: // return_call
        this.#readCall(opcode, at);
        return;
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        readIndex(cursor, types.length, 'type');
        readIndex(cursor, tables64.length, 'table');
        if (opcode === 0x13) this.#tailCall(at);
        else this.#unknownCall(at);
        return;
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        readIndex(cursor, types.length, 'type');
        this.#features.add('function-references');
        if (opcode === 0x15) this.#tailCall(at);
        else this.#unknownCall(at);
        return;
      case 0x1c:
        skipSelectTypes(cursor, this.#features);
        return;
      case 0x1f: // try_table
        this.#checkDepth(at);
        this.#tryTable(at);
        return;
      default:
        cursor.fail(`unknown opcode 0x${opcode.toString(16)}`, at);
    }
  }

  #throw(tag: number, at: number): void {
    const { isDead } = this.#flow;
    this.#flow.leave(FLOW.throw, at);
    const bytes = exceptionBytes(this.#layout.tagParams[tag]!);
    if (bytes > 0 && !isDead) this.#prefixed.allocate(at, bytes);
  }

  #readCall(opcode: number, at: number): void {
    const cursor = this.#cursor;
    if (opcode === 0x12) {
      this.#tailCall(at);
      this.#usage.tailCallees.add(readFunctionIndex(cursor, this.#layout, this.edits));
      return;
    }
    const callee = cursor.u32();
    cursor.pos = at + 1;
    const passes = this.passing?.[callee] === 1;
    if (passes) {
      this.#flow.passingCall(at, this.callBounds[callee]!);
      this.edits.add(at, EDIT.pushCounter, 0);
    } else {
      this.calls.addCall(callee);
      this.#flow.call(at);
    }
    readFunctionIndex(cursor, this.#layout, this.edits);
    if (!passes) return;
    this.edits.add(cursor.pos, EDIT.popCounter, 0);
    // What follows a call of bounded cost is charged behind it.
    if (this.callBounds[callee]! > 0) this.edits.add(cursor.pos, EDIT.none, 0);
  }

  #unknownCall(at: number): void {
    this.#callsUnknown = true;
    this.#flow.call(at);
  }

  #tailCall(at: number): void {
    this.#callsUnknown = true;
    this.#usage.tailCallers.add(this.#function);
    this.#features.add('tail-call');
    this.#flow.leave(FLOW.tailCall, at);
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
      if (!this.#flow.branch(FLOW.handler, cursor.u32(), at)) cursor.fail('unknown label of a handler', at);
    }
    this.#flow.block(at);
  }

  #readSpecial(opcode: number, at: number): void {
    const cursor = this.#cursor;
    const layout = this.#layout;
    switch (opcode) {
      case 0x23: // global.get
      case 0x24: // global.set
        readGlobalIndex(cursor, layout, this.edits);
        return;
      case 0x3f: {
        const memory = readMemory(cursor, layout, this.#features);
        this.edits.add(cursor.pos, EDIT.subtractHeadroom, memory);
        this.#usage.sizedMemories.add(memory);
        return;
      }
      case 0x40: {
        const memory = readMemory(cursor, layout, this.#features);
        this.edits.add(at, EDIT.memoryGrow, memory);
        this.#usage.grownMemories.add(memory);
        this.#usage.sizedMemories.add(memory);
        return;
      }
      case 0xd0: // ref.null
        this.#features.add('reference-types');
        skipHeapType(cursor, this.#features);
        return;
      case 0xd2: // ref.func
        this.#features.add('reference-types');
        layout.pinnedFunctions.add(readFunctionIndex(cursor, layout, this.edits));
        return;
      case 0xd5: // br_on_null
      case 0xd6: // br_on_non_null
        this.#features.add('function-references');
        readBranch(cursor, this.#flow, FLOW.branchIf, at);
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
