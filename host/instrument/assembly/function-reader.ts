import { ENGINE_UNITS, FREE_LOCALS } from '../cost-model.ts';
import { CallBounds } from './call-bounds.ts';
import { CodeEdit } from './code-edits.ts';
import { CodeRecorder } from './code-recorder.ts';
import { RecordKind } from './code-records.ts';
import { CodeUsage, SpaceUse } from './code-usage.ts';
import { ControlInstructions } from './control-instructions.ts';
import { Cursor } from './cursor.ts';
import { malformed, tooMany, unsupported } from './failure.ts';
import { Feature } from './features.ts';
import { FrequentInstructions } from './frequent-instructions.ts';
import { readLabel, readMemory, skipMemoryArgument } from './immediates.ts';
import { LocalDeclarations } from './local-declarations.ts';
import { FunctionTrait, ModuleFacts } from './module-facts.ts';
import { IMMEDIATES, Immediate, OPCODE_COST } from './opcodes.ts';
import { PrefixedInstructions } from './prefixed-instructions.ts';
import { skipHeapType } from './value-types.ts';

/** V8's kV8MaxWasmFunctionLocals, less what counted loops may need. */
export const MAX_LOCALS: i32 = 50_000 - 2;

/** The number of no local. */
const NOT_MOVED = -2;

/**
 * Reads function bodies, each once and one after the other: holds them to the bounds, and notes in `recorder` all that
 * metering asks of them later. One object serves all functions of a module.
 */
export class FunctionReader {
  readonly recorder: CodeRecorder;
  /** What is found of the functions' calls. */
  readonly calls: CallBounds;
  localsTotal: i32 = 0;
  longestBody: i32 = 0;
  private readonly facts: ModuleFacts;
  private readonly usage: CodeUsage;
  private readonly cursor: Cursor;
  private readonly declarations: LocalDeclarations = new LocalDeclarations();
  private readonly frequent: FrequentInstructions;
  private readonly control: ControlInstructions;
  private readonly prefixed: PrefixedInstructions;

  constructor(facts: ModuleFacts, usage: CodeUsage) {
    const cursor = new Cursor();
    const recorder = new CodeRecorder(facts.bodies, facts.codeBytes, facts.blockDepth);
    const calls = new CallBounds(facts);
    this.facts = facts;
    this.usage = usage;
    this.cursor = cursor;
    this.recorder = recorder;
    this.calls = calls;
    this.frequent = new FrequentInstructions(cursor, recorder, calls, facts);
    this.control = new ControlInstructions(cursor, recorder, calls, facts, usage);
    this.prefixed = new PrefixedInstructions(cursor, recorder, facts, usage);
  }

  /** Reads the body `[start, end)` of the defined function `index` (imported ones not counted). */
  read(index: i32, start: i32, end: i32): void {
    const facts = this.facts;
    const bytes = end - start;
    if (bytes > facts.functionBytes) tooMany(bytes, facts.functionBytes, 'bytes in a function', start);
    this.longestBody = max(this.longestBody, bytes);
    const cursor = this.cursor;
    const recorder = this.recorder;
    cursor.pos = start;
    cursor.end = end;
    const functionIndex = facts.importedFunctions + index;
    const declared = this.readLocals(start);
    const params = facts.params[facts.functionTypes[functionIndex]];
    const locals = params + declared;
    if (locals >= MAX_LOCALS) this.usage.hasRoomForCounter = false;
    // The counter becomes a parameter in its place.
    const moved = declared > 0 && facts.mayPass(functionIndex) ? params : NOT_MOVED;
    this.control.enter(functionIndex);
    recorder.enter(index, cursor.pos, bytes, max(0, declared - FREE_LOCALS));
    this.readCode(locals, moved);
    if (cursor.pos !== end) malformed('bytes behind the end of a function', cursor.pos);
    recorder.close(index);
    if (recorder.total > 0) this.usage.charges = true;
    this.calls.close(index, recorder.total, !recorder.hasLoops && !this.control.callsUnknown);
  }

  /** How many locals there are besides the parameters. */
  private readLocals(at: i32): i32 {
    const facts = this.facts;
    this.declarations.read(this.cursor, this.usage);
    const declared = this.declarations.declared;
    if (declared > facts.locals) tooMany(declared, facts.locals, 'locals in a function', at);
    this.localsTotal += <i32>declared;
    if (this.localsTotal > facts.localsTotal)
      tooMany(this.localsTotal, facts.localsTotal, 'locals in all functions', at);
    return <i32>declared;
  }

  private readCode(locals: i32, moved: i32): void {
    const cursor = this.cursor;
    const recorder = this.recorder;
    for (;;) {
      this.frequent.read(locals, moved);
      const at = cursor.pos;
      const opcode = cursor.u8();
      recorder.cost += OPCODE_COST[opcode];
      switch (IMMEDIATES[opcode]) {
        case Immediate.None:
          if (opcode === 0x00) recorder.leave(RecordKind.Trap, at);
          else if (opcode >= 0xd0) this.usage.add(Feature.ReferenceTypes);
          else if (opcode >= 0xc0) this.usage.add(Feature.SignExtension);
          break;
        case Immediate.Local:
          if (cursor.index(locals, 'local') !== moved) break;
          if (cursor.pos === at + 2) recorder.uses.add(at);
          else recorder.index(RecordKind.FirstLocal, at);
          break;
        case Immediate.Memory:
          skipMemoryArgument(cursor, this.usage);
          break;
        case Immediate.I32:
          cursor.skipS32();
          break;
        case Immediate.I64:
          cursor.skipS64();
          break;
        case Immediate.Bytes4:
          cursor.skip(4);
          break;
        case Immediate.Bytes8:
          cursor.skip(8);
          break;
        case Immediate.Table:
          this.readTableAccess(opcode, at);
          break;
        case Immediate.Special:
          if (opcode >= 0x20) this.readSpecial(opcode, at);
          else if (this.control.read(opcode, at)) return;
          break;
        default:
          if (opcode === 0xfe) unsupported('atomic instructions', at);
          if (opcode >= 0xe0 && opcode <= 0xe6) unsupported('stack switching', at);
          malformed(`unknown opcode 0x${opcode.toString(16)}`, at);
      }
    }
  }

  /** table.get, table.set */
  private readTableAccess(opcode: i32, at: i32): void {
    const table = this.cursor.index(this.facts.tables64.length, 'table');
    this.usage.add(Feature.ReferenceTypes);
    if (opcode !== 0x26) return;
    this.usage.tables[table] |= SpaceUse.Written;
    this.recorder.addLarge(ENGINE_UNITS, at);
  }

  private readSpecial(opcode: i32, at: i32): void {
    const cursor = this.cursor;
    const recorder = this.recorder;
    const facts = this.facts;
    const usage = this.usage;
    switch (opcode) {
      case 0x23: // global.get
      case 0x24: // global.set
        if (cursor.index(facts.globals, 'global') >= facts.importedGlobals)
          recorder.index(RecordKind.GlobalIndex, at);
        return;
      case 0x3f: {
        const memory = readMemory(cursor, usage);
        recorder.edit(CodeEdit.SubtractHeadroom, memory, at);
        usage.memories[memory] |= SpaceUse.Sized;
        return;
      }
      case 0x40: {
        const memory = readMemory(cursor, usage);
        recorder.edit(CodeEdit.MemoryGrow, memory, at);
        usage.memories[memory] |= SpaceUse.Grown | SpaceUse.Sized;
        return;
      }
      case 0xd0: // ref.null
        usage.add(Feature.ReferenceTypes);
        skipHeapType(cursor, usage);
        return;
      case 0xd2: {
        // ref.func
        usage.add(Feature.ReferenceTypes);
        const index = cursor.index(facts.functions, 'function');
        facts.functionTraits[index] |= FunctionTrait.Pinned;
        if (index >= facts.importedFunctions) recorder.index(RecordKind.FunctionIndex, at);
        return;
      }
      case 0xd5: // br_on_null
      case 0xd6: // br_on_non_null
        usage.add(Feature.FunctionReferences);
        recorder.otherBranch(readLabel(cursor, recorder, at), at);
        return;
      case 0xfb:
        this.prefixed.readGc(at);
        return;
      case 0xfc:
        this.prefixed.readBulk(at);
        return;
      default:
        this.prefixed.readSimd(at);
    }
  }
}
