import { EXCEPTION_UNITS } from '../cost-model.ts';
import { CallBounds } from './call-bounds.ts';
import { Code } from './code.ts';
import { CodeEdit } from './code-edits.ts';
import { CodeRecorder } from './code-recorder.ts';
import { RecordKind } from './code-records.ts';
import { CodeUsage } from './code-usage.ts';
import { Cursor } from './cursor.ts';
import { malformed, tooMany } from './failure.ts';
import { Feature } from './features.ts';
import { readBranchTable, readLabel, skipSelectTypes } from './immediates.ts';
import { FunctionTrait, ModuleFacts } from './module-facts.ts';
import { skipBlockType } from './value-types.ts';

const EMPTY_BLOCK = 0x40;
/** Exceptions of so few values count for nothing: they are kept in tables and objects only, whose entries are bounded. */
const FREE_EXCEPTION_VALUES = 4;
/** V8 writes a vector as eight numbers of 8 bytes. */
const EXCEPTION_VALUE_BYTES = 64;

/** What an exception counts for against memory, by the number of values it carries. */
function exceptionBytes(values: i32): i32 {
  return values <= FREE_EXCEPTION_VALUES ? 0 : values * EXCEPTION_VALUE_BYTES;
}

/**
 * The instructions of one opcode byte that control flow depends on, in all their forms: `at` is where one stands, and the
 * cursor behind its opcode. Shares the state of function-reader.ts.
 */
export class ControlInstructions {
  /** Whether the function that is being read calls what is not known by its index, or leaves by such a call. */
  callsUnknown: bool = false;
  private readonly cursor: Cursor;
  private readonly recorder: CodeRecorder;
  private readonly calls: CallBounds;
  private readonly facts: ModuleFacts;
  private readonly usage: CodeUsage;
  private functionIndex: i32 = 0;

  constructor(
    cursor: Cursor,
    recorder: CodeRecorder,
    calls: CallBounds,
    facts: ModuleFacts,
    usage: CodeUsage,
  ) {
    this.cursor = cursor;
    this.recorder = recorder;
    this.calls = calls;
    this.facts = facts;
    this.usage = usage;
  }

  /** Starts with the function of that index, imported ones counted. */
  enter(index: i32): void {
    this.functionIndex = index;
    this.callsUnknown = false;
  }

  /** Returns true at the end of the function. */
  read(opcode: i32, at: i32): bool {
    const cursor = this.cursor;
    const recorder = this.recorder;
    const facts = this.facts;
    switch (opcode) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x06: // try
        this.checkDepth(at);
        skipBlockType(cursor, this.usage, facts.types);
        if (opcode === 0x03) recorder.loop(at, cursor.pos);
        else if (opcode === 0x04) recorder.if(at, cursor.pos, this.isVoid(at));
        else if (opcode === 0x02) recorder.block(at, this.isVoid(at));
        else {
          recorder.try(at);
          this.usage.add(Feature.LegacyExceptions);
        }
        return false;
      case 0x05: // else
        if (!recorder.else(at)) malformed('else without if', at);
        return false;
      case 0x07: // catch
      case 0x19: // catch_all
        if (opcode === 0x07) cursor.index(facts.tagParams.length, 'tag');
        if (!recorder.catch(at, cursor.pos)) malformed('a handler without try', at);
        return false;
      case 0x0b: // end
        return recorder.end(at, cursor.pos);
      case 0x18: // delegate
        cursor.u32();
        if (recorder.end(at, cursor.pos)) malformed('delegate without try', at);
        return false;
      case 0x08: // throw
        this.usage.add(Feature.Exceptions);
        this.throw(cursor.index(facts.tagParams.length, 'tag'), at);
        return false;
      case 0x09: // rethrow
      case 0x0a: // throw_ref
        if (opcode === 0x09) cursor.u32();
        else this.usage.add(Feature.Exceptions);
        recorder.addLarge(EXCEPTION_UNITS, at);
        recorder.leave(RecordKind.Throw, at);
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
        const callee = cursor.index(facts.functions, 'function');
        this.calls.addCall(callee);
        recorder.directCall(callee, at);
        return false;
      }
      case 0x11: // call_indirect
      case 0x13: // return_call_indirect
        cursor.index(facts.types, 'type');
        cursor.index(facts.tables64.length, 'table');
        if (opcode === 0x13) this.tailCall(at);
        else this.unknownCall(at);
        return false;
      case 0x12: {
        // return_call
        const callee = cursor.index(facts.functions, 'function');
        this.tailCall(at);
        facts.functionTraits[callee] |= FunctionTrait.TailCallee;
        if (callee >= facts.importedFunctions) recorder.index(RecordKind.FunctionIndex, at);
        return false;
      }
      case 0x14: // call_ref
      case 0x15: // return_call_ref
        cursor.index(facts.types, 'type');
        this.usage.add(Feature.FunctionReferences);
        if (opcode === 0x15) this.tailCall(at);
        else this.unknownCall(at);
        return false;
      case 0x1c:
        skipSelectTypes(cursor, this.usage);
        return false;
      case 0x1f: // try_table
        this.checkDepth(at);
        this.tryTable(at);
        return false;
      default:
        malformed(`unknown opcode 0x${opcode.toString(16)}`, at);
        return false;
    }
  }

  /** Whether the block at `at` gives and takes nothing. */
  private isVoid(at: i32): bool {
    return Code.byteAt(at + 1) === EMPTY_BLOCK;
  }

  private checkDepth(at: i32): void {
    if (this.recorder.depth >= this.facts.blockDepth)
      tooMany(this.recorder.depth + 1, this.facts.blockDepth, 'nested blocks', at);
  }

  private throw(tag: i32, at: i32): void {
    const isDead = this.recorder.isDead;
    this.recorder.addLarge(EXCEPTION_UNITS, at);
    this.recorder.leave(RecordKind.Throw, at);
    const bytes = exceptionBytes(this.facts.tagParams[tag]);
    if (bytes === 0 || isDead) return;
    this.recorder.edit(CodeEdit.Allocate, bytes, at);
    this.usage.allocates = true;
  }

  private unknownCall(at: i32): void {
    this.callsUnknown = true;
    this.recorder.event(RecordKind.Call, at);
  }

  private tailCall(at: i32): void {
    this.callsUnknown = true;
    this.facts.functionTraits[this.functionIndex] |= FunctionTrait.TailCaller;
    this.usage.add(Feature.TailCall);
    this.recorder.leave(RecordKind.TailCall, at);
  }

  /** Its handlers are labels outside of it, which any of its instructions may jump to. */
  private tryTable(at: i32): void {
    const cursor = this.cursor;
    const facts = this.facts;
    this.usage.add(Feature.Exceptions);
    skipBlockType(cursor, this.usage, facts.types);
    const handlers = cursor.count('handlers', 2);
    for (let i = 0; i < handlers; i++) {
      const kind = cursor.u8();
      if (kind > 3) malformed(`unknown kind of handler ${kind}`, at);
      if (kind < 2) cursor.index(facts.tagParams.length, 'tag');
      const label = cursor.u32();
      if (!this.recorder.reaches(label)) malformed('unknown label of a handler', at);
      this.recorder.handler(label, at);
    }
    this.recorder.block(at, this.isVoid(at));
  }
}
