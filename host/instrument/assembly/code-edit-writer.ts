import { ByteSink } from './byte-sink.ts';
import { Code } from './code.ts';
import { CodeEdit } from './code-edits.ts';
import { broken } from './failure.ts';
import { MeterPlan } from './meter-plan.ts';
import { ModuleFacts } from './module-facts.ts';

const CALL = 0x10;
const GLOBAL_GET = 0x23;
const I32_SUB = 0x6b;
const I64_SUB = 0x7d;
const I64_EXTEND_I32_U = 0xad;

/** Writes the rare edits of code: knows what each stands for, byte by byte. */
@final
export class CodeEditWriter {
  private readonly facts: ModuleFacts;
  private readonly plan: MeterPlan;
  private readonly sink: ByteSink;

  constructor(facts: ModuleFacts, plan: MeterPlan, sink: ByteSink) {
    this.facts = facts;
    this.plan = plan;
    this.sink = sink;
  }

  /** Writes the CodeEdit at `offset`, up to which all is written. Returns where the rest starts. */
  apply(kind: i32, value: i32, offset: i32): i32 {
    const sink = this.sink;
    const plan = this.plan;
    switch (kind) {
      case CodeEdit.ChargeLength:
        sink.instruction(CALL, plan.chargeLength[value]);
        return offset;
      case CodeEdit.Allocate:
        sink.i64Const(value);
        sink.instruction(CALL, plan.allocate);
        return offset;
      case CodeEdit.AllocateArray:
        sink.instruction(CALL, plan.allocateArray[value]);
        return offset;
      case CodeEdit.MemoryGrow:
        sink.instruction(CALL, plan.memoryGrow[value]);
        return Code.behindInteger(offset + 1);
      case CodeEdit.TableGrow:
        sink.instruction(CALL, plan.tableGrow[value]);
        return Code.behindInteger(Code.behindInteger(offset + 1));
      case CodeEdit.SubtractHeadroom: {
        const behind = Code.behindInteger(offset + 1);
        sink.copy(Code.addressOf(offset), behind - offset);
        this.subtractHeadroom(value);
        return behind;
      }
      default:
        broken('CodeEditWriter: unknown edit');
        return offset;
    }
  }

  /** Behind `memory.size`: what code is told. */
  private subtractHeadroom(memory: i32): void {
    const sink = this.sink;
    const is64 = this.facts.memories64[memory] !== 0;
    sink.instruction(GLOBAL_GET, this.plan.headrooms[memory]);
    if (is64) sink.u8(I64_EXTEND_I32_U);
    sink.u8(is64 ? I64_SUB : I32_SUB);
  }
}
