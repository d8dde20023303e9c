import type { CallBounds } from './call-bounds.ts';
import type { CodeRecorder } from './code-recorder.ts';
import * as records from './code-records.ts';
import { readIndex } from './constant-expression.ts';
import { tooMany } from './declaration-scan.ts';
import * as edits from './edits.ts';
import type { FeatureSet } from './features.ts';
import { readBranchTable, readLabel, skipSelectTypes } from './immediates.ts';
import type { ModuleLayout } from './module-layout.ts';
import { exceptionBytes } from './object-size.ts';
import type { Cursor } from './reader.ts';
import type { MeterUsage } from './usage.ts';
import { skipBlockType } from './value-types.ts';

/** Constants of this module's own: what is imported is looked up at each use, and its value not known to the compiler (decision 0041). */
const { RECORD } = records;
const { EDIT } = edits;

const EMPTY_BLOCK = 0x40;

/**
 * The instructions of one opcode byte that control flow depends on, in all their forms: `at` is where one stands, and the
 * cursor behind its opcode. Shares the state of function-reader.ts.
 */
export class ControlInstructions {
  /** Whether the function that is being read calls what is not known by its index, or leaves by such a call. */
  callsUnknown = false;
  readonly #cursor: Cursor;
  readonly #recorder: CodeRecorder;
  readonly #calls: CallBounds;
  readonly #layout: ModuleLayout;
  readonly #features: FeatureSet;
  readonly #usage: MeterUsage;
  readonly #maxDepth: number;
  #function = 0;

  constructor(
    cursor: Cursor,
    recorder: CodeRecorder,
    calls: CallBounds,
    layout: ModuleLayout,
    features: FeatureSet,
    usage: MeterUsage,
    maxDepth: number,
  ) {
    this.#cursor = cursor;
    this.#recorder = recorder;
    this.#calls = calls;
    this.#layout = layout;
    this.#features = features;
    this.#usage = usage;
    this.#maxDepth = maxDepth;
  }

  /** Starts with the function of that index, imported ones counted. */
  enter(index: number): void {
    this.#function = index;
    this.callsUnknown = false;
  }

  /** Returns true at the end of the function. */
  read(opcode: number, at: number): boolean {
    const cursor = this.#cursor;
    const recorder = this.#recorder;
    const { types, tables64, tags, functionTypes } = this.#layout;
    switch (opcode) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x06: // try
        this.#checkDepth(at);
        skipBlockType(cursor, this.#features, types.length);
        if (opcode === 0x03) recorder.loop(at, cursor.pos);
        else if (opcode === 0x04) recorder.if(at, cursor.pos, this.#isVoid(at));
        else if (opcode === 0x02) recorder.block(at, this.#isVoid(at));
        else {
          recorder.try(at);
          this.#features.add('legacy-exceptions');
        }
        return false;
      case 0x05: // else
        if (!recorder.else(at)) cursor.fail('else without if', at);
        return false;
      case 0x07: // catch
      case 0x19: // catch_all
        if (opcode === 0x07) readIndex(cursor, tags, 'tag');
        if (!recorder.catch(at, cursor.pos)) cursor.fail('a handler without try', at);
        return false;
      case 0x0b: // end
        return recorder.end(at, cursor.pos);
      case 0x18: // delegate
        cursor.u32();
        if (recorder.end(at, cursor.pos)) cursor.fail('delegate without try', at);
        return false;
      case 0x08: // throw
        this.#features.add('exceptions');
        this.#throw(readIndex(cursor, tags, 'tag'), at);
        return false;
      case 0x09: // rethrow
      case 0x0a: // throw_ref
        if (opcode === 0x09) cursor.u32();
        else this.#features.add('exceptions');
        recorder.leave(RECORD.throw, at);
        return false;
      case 0x0c: // br
        recorder.branch(readLabel(cursor, recorder, at), at);
        return false;
      case 0x0d: // br_if
        recorder.branchIf(readLabel(cursor, recorder, at), at);
        return false;
      case 0x0e: // br_table
        readBranchTable(cursor, recorder, at);
        return false;
      case 0x0f: // return
        recorder.return(at);
        return false;
      case 0x10: {
        // call
        const callee = readIndex(cursor, functionTypes.length, 'function');
        this.#calls.addCall(callee);
        recorder.directCall(callee, at);
        return false;
      }
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        readIndex(cursor, types.length, 'type');
        readIndex(cursor, tables64.length, 'table');
        if (opcode === 0x13) this.#tailCall(at);
        else this.#unknownCall(at);
        return false;
      case 0x12: {
        // return_call
        const callee = readIndex(cursor, functionTypes.length, 'function');
        this.#tailCall(at);
        this.#usage.tailCallees.add(callee);
        if (callee >= this.#layout.importedFunctions) recorder.index(RECORD.functionIndex, at);
        return false;
      }
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        readIndex(cursor, types.length, 'type');
        this.#features.add('function-references');
        if (opcode === 0x15) this.#tailCall(at);
        else this.#unknownCall(at);
        return false;
      case 0x1c:
        skipSelectTypes(cursor, this.#features);
        return false;
      case 0x1f: // try_table
        this.#checkDepth(at);
        this.#tryTable(at);
        return false;
      default:
        return cursor.fail(`unknown opcode 0x${opcode.toString(16)}`, at);
    }
  }

  /** Whether the block at `at` gives and takes nothing. */
  #isVoid(at: number): boolean {
    return this.#cursor.bytes[at + 1] === EMPTY_BLOCK;
  }

  #checkDepth(at: number): void {
    if (this.#recorder.depth >= this.#maxDepth)
      tooMany(this.#recorder.depth + 1, this.#maxDepth, 'nested blocks', at);
  }

  #throw(tag: number, at: number): void {
    const { isDead } = this.#recorder;
    this.#recorder.leave(RECORD.throw, at);
    const bytes = exceptionBytes(this.#layout.tagParams[tag]!);
    if (bytes === 0 || isDead) return;
    this.#recorder.edit(EDIT.allocate, bytes, at);
    this.#usage.allocates = true;
  }

  #unknownCall(at: number): void {
    this.callsUnknown = true;
    this.#recorder.event(RECORD.call, at);
  }

  #tailCall(at: number): void {
    this.callsUnknown = true;
    this.#usage.tailCallers.add(this.#function);
    this.#features.add('tail-call');
    this.#recorder.leave(RECORD.tailCall, at);
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
      const label = cursor.u32();
      if (!this.#recorder.reaches(label)) cursor.fail('unknown label of a handler', at);
      this.#recorder.handler(label, at);
    }
    this.#recorder.block(at, this.#isVoid(at));
  }
}
