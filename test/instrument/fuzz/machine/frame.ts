/** One call of one function. */
import { type Expression, FC, FD, type Instruction, NotInterpreted } from './instruction.ts';
import { signatureOf } from './signatures.ts';
import type { NumericValue } from './single-instruction.ts';
import type { Surroundings } from './surroundings.ts';
import { TailCall } from './tail-call.ts';
import { type FunctionReference, Thrown, trap, type Value } from './value.ts';
import { sameType } from './value-type.ts';

/** A block that is being executed; `height` of the stack does not count what the block takes. */
interface Label {
  readonly at: number;
  readonly block: Instruction;
  readonly height: number;
}

type Exit = readonly Value[] | TailCall | undefined;

const BYTES_PER_UNIT = 8;
const LENGTH_CLAMP = 2 ** 36;
const MAX_BEHIND_LABEL = 1_024;

/** An address, an index or a length, which are unsigned. */
function unsigned(value: Value): number {
  return typeof value === 'bigint' ? Number(BigInt.asUintN(64, value)) : Number(value) >>> 0;
}

export class Frame {
  readonly #machine: Surroundings;
  readonly #code: Expression;
  readonly #locals: Value[];
  readonly #results: number;
  readonly #stack: Value[] = [];
  readonly #labels: Label[] = [];
  #pc = 0;
  /** Whether the instruction has said itself what comes next, which may be itself. */
  #hasJumped = false;
  /** Cost of the straight code up to and with the current instruction. */
  #executedOfRun = 0;
  #isCalling = false;

  constructor(machine: Surroundings, code: Expression, locals: Value[], results: number) {
    this.#machine = machine;
    this.#code = code;
    this.#locals = locals;
    this.#results = results;
  }

  run(): readonly Value[] | TailCall {
    for (;;) {
      try {
        const exit = this.#execute();
        if (exit !== undefined) return exit;
      } catch (error) {
        if (!(error instanceof Thrown) && !(error instanceof WebAssembly.RuntimeError)) throw error;
        this.#machine.leave(this.#restOfRun() + this.#behindLabel());
        if (!(error instanceof Thrown)) {
          if (!this.#isCalling) this.#machine.cut = this.#executedOfRun;
          throw error;
        }
        const exit = this.#handle(error);
        if (exit !== undefined) return exit;
      }
    }
  }

  /** What may have been charged already for the instructions behind the current one. */
  #restOfRun(): number {
    let rest = 0;
    for (let i = this.#pc; !this.#code[i]!.endsRun; i++) rest += this.#code[i + 1]!.cost;
    return rest;
  }

  /** The same of the straight code behind the label that these lead to, and only there. Not where exceptions are handled. */
  #behindLabel(): number {
    if (this.#machine.tags.length > 0) return 0;
    const code = this.#code;
    let at = this.#pc;
    while (!code[at]!.endsRun) at++;
    const { op, labels } = code[at]!;
    if (op !== 0x0b && op !== 0x05 && op !== 0x0c) return 0;
    // How many ends of blocks, from here on, lie before the code behind the label.
    let ends = op === 0x0b ? 0 : op === 0x05 ? 1 : labels![0]! + 1;
    for (let depth = 0; ends > 0; ) {
      const next = code[++at];
      if (next === undefined) return 0;
      if (next.end !== undefined) depth++;
      else if (next.op === 0x0b && depth-- === 0) {
        depth = 0;
        ends--;
      }
    }
    let cost = 0;
    for (let i = at + 1; i < code.length; i++) {
      cost += code[i]!.cost;
      if (code[i]!.endsRun) break;
    }
    return Math.min(cost, MAX_BEHIND_LABEL);
  }

  /** Leaves `#pc` at the instruction that throws. */
  #execute(): Exit {
    for (;;) {
      const instruction = this.#code[this.#pc]!;
      this.#machine.spend(instruction.cost);
      this.#executedOfRun += instruction.cost;
      this.#hasJumped = false;
      const exit = this.#step(instruction);
      if (exit !== undefined) return exit;
      if (instruction.endsRun) this.#executedOfRun = 0;
      if (!this.#hasJumped) this.#pc++;
    }
  }

  #handle(error: Thrown): Exit {
    const { exception } = error;
    for (let i = this.#labels.length - 1; i >= 0; i--) {
      const { block, height } = this.#labels[i]!;
      for (const { tag, wantsReference, label } of block.handlers ?? []) {
        if (tag !== undefined && this.#machine.tags[tag] !== exception.tag) continue;
        this.#labels.length = i;
        this.#stack.length = height;
        this.#executedOfRun = 0;
        this.#isCalling = false;
        if (tag !== undefined) this.#stack.push(...exception.values);
        if (wantsReference) this.#stack.push(exception);
        return this.#branch(label);
      }
    }
    throw error;
  }

  #pop(): Value {
    return this.#stack.pop()!;
  }

  /** The last `count` values, in order. */
  #popMany(count: number): Value[] {
    return this.#stack.splice(this.#stack.length - count, count);
  }

  #jump(to: number): void {
    this.#pc = to;
    this.#hasJumped = true;
  }

  #enter(block: Instruction): void {
    this.#labels.push({ at: this.#pc, block, height: this.#stack.length - block.type!.parameters.length });
  }

  #branch(depth: number): Exit {
    const label = this.#labels[this.#labels.length - 1 - depth];
    if (label === undefined) return this.#popMany(this.#results);
    const isLoop = label.block.op === 0x03;
    const { parameters, results } = label.block.type!;
    const values = this.#popMany(isLoop ? parameters.length : results.length);
    this.#stack.length = label.height;
    this.#stack.push(...values);
    this.#labels.length -= isLoop ? depth : depth + 1;
    this.#jump(isLoop ? label.at + 1 : label.block.end! + 1);
    return undefined;
  }

  #step(instruction: Instruction): Exit {
    const stack = this.#stack;
    const signature = signatureOf(instruction.op);
    if (signature !== undefined && instruction.op !== FD + 12) {
      const operands = this.#popMany(signature.takes.length) as NumericValue[];
      const value = this.#machine.single.get(instruction, signature)(operands);
      if (value !== undefined) stack.push(value);
      return undefined;
    }
    if (instruction.constant !== undefined) {
      stack.push(instruction.constant);
      return undefined;
    }
    if (instruction.op >= FC) return this.#bulk(instruction);
    return instruction.op < 0x20 && instruction.op !== 0x1a
      ? this.#control(instruction)
      : this.#variable(instruction);
  }

  #control(instruction: Instruction): Exit {
    const machine = this.#machine;
    const { op, a, b, labels } = instruction;
    switch (op) {
      case 0x00:
        return trap('unreachable');
      case 0x01:
        return undefined;
      case 0x02: // block
      case 0x03: // loop
      case 0x1f: // try_table
        this.#enter(instruction);
        return undefined;
      case 0x04: {
        const isTrue = this.#pop() !== 0;
        if (!isTrue && instruction.otherwise === undefined) {
          this.#jump(instruction.end! + 1);
          return undefined;
        }
        this.#enter(instruction);
        if (!isTrue) this.#jump(instruction.otherwise! + 1);
        return undefined;
      }
      case 0x05: // the end of the first arm
        this.#jump(this.#labels.pop()!.block.end! + 1);
        return undefined;
      case 0x0b:
        return this.#labels.pop() === undefined ? this.#popMany(this.#results) : undefined;
      case 0x08: {
        const { parameters } = machine.module.types[machine.module.tags[a]!]!;
        throw new Thrown({ tag: machine.tags[a]!, values: this.#popMany(parameters.length) });
      }
      case 0x0a: {
        const exception = this.#pop();
        if (exception === null) return trap('dereferencing a null pointer');
        throw new Thrown(exception as Thrown['exception']);
      }
      case 0x0c:
        return this.#branch(labels![0]!);
      case 0x0d:
        return this.#pop() === 0 ? undefined : this.#branch(labels![0]!);
      case 0x0e:
        return this.#branch(labels![Math.min(unsigned(this.#pop()), labels!.length - 1)]!);
      case 0x0f:
        return this.#popMany(this.#results);
      case 0x10:
        return this.#call(a);
      case 0x11:
        return this.#call(this.#indirect(a, b));
      case 0x12:
        return this.#tailCall(a);
      case 0x13:
        return this.#tailCall(this.#indirect(a, b));
      case 0x1b: // select
      case 0x1c: {
        const condition = this.#pop();
        const [first, second] = this.#popMany(2);
        this.#stack.push(condition === 0 ? second! : first!);
        return undefined;
      }
      default:
        throw new NotInterpreted(`opcode ${op}`);
    }
  }

  #call(index: number): undefined {
    const args = this.#popMany(this.#machine.typeOf(index).parameters.length);
    this.#isCalling = true;
    this.#stack.push(...this.#machine.call(index, args));
    this.#isCalling = false;
  }

  #tailCall(index: number): TailCall {
    return new TailCall(index, this.#popMany(this.#machine.typeOf(index).parameters.length));
  }

  #indirect(type: number, table: number): number {
    const machine = this.#machine;
    const entries = machine.tables[table]!;
    const at = unsigned(this.#pop());
    if (at >= entries.length) trap('table index is out of bounds');
    const entry = entries[at] as FunctionReference | null;
    if (entry === null) return trap('null function or function signature mismatch');
    if (!sameType(machine.typeOf(entry.function), machine.module.types[type]!))
      trap('null function or function signature mismatch');
    return entry.function;
  }

  #variable({ op, a }: Instruction): undefined {
    const stack = this.#stack;
    const machine = this.#machine;
    switch (op) {
      case 0x1a: // drop
        stack.pop();
        return;
      case 0x20:
        stack.push(this.#locals[a]!);
        return;
      case 0x21:
        this.#locals[a] = this.#pop();
        return;
      case 0x22:
        this.#locals[a] = stack.at(-1)!;
        return;
      case 0x23:
        stack.push(machine.globals[a]!);
        return;
      case 0x24:
        machine.globals[a] = this.#pop();
        return;
      case 0x25: {
        const at = unsigned(this.#pop());
        const entries = machine.tables[a]!;
        if (at >= entries.length) trap('table index is out of bounds');
        stack.push(entries[at]!);
        return;
      }
      case 0x26: {
        const [at, value] = this.#popMany(2);
        const entries = machine.tables[a]!;
        if (unsigned(at!) >= entries.length) trap('table index is out of bounds');
        entries[unsigned(at!)] = value!;
        return;
      }
      case 0x3f:
        stack.push(
          this.#sized(machine.memories[a]!.buffer.byteLength / 65_536, machine.module.memories[a]!.is64),
        );
        return;
      case 0x40: {
        const pages = unsigned(this.#pop());
        stack.push(this.#sized(machine.growMemory(a, pages), machine.module.memories[a]!.is64));
        return;
      }
      case 0xd0:
        stack.push(null);
        return;
      case 0xd1:
        stack.push(this.#pop() === null ? 1 : 0);
        return;
      case 0xd2:
        stack.push(machine.functions[a]!);
        return;
      default:
        throw new NotInterpreted(`opcode ${op}`);
    }
  }

  #sized(value: number, is64: boolean): Value {
    return is64 ? BigInt(value) : value | 0;
  }

  #spendLength(length: Value, perUnit: number): void {
    this.#machine.spend(Math.floor(Math.min(unsigned(length), LENGTH_CLAMP) / perUnit));
  }

  /** Those with a length are charged for it before they are executed, whether they trap or not. */
  #bulk(instruction: Instruction): undefined {
    const machine = this.#machine;
    const { op, a, b } = instruction;
    switch (op - FC) {
      case 8: {
        const [to, from, length] = this.#popMany(3);
        this.#spendLength(length!, BYTES_PER_UNIT);
        machine.initMemory(a, b, unsigned(to!), unsigned(from!), unsigned(length!));
        return;
      }
      case 9:
        machine.data[a] = new Uint8Array();
        return;
      case 10:
      case 11: {
        const operands = this.#popMany(3);
        this.#spendLength(operands[2]!, BYTES_PER_UNIT);
        machine.single.getBulk(instruction)(operands as NumericValue[]);
        return;
      }
      case 12: {
        const [to, from, length] = this.#popMany(3);
        this.#spendLength(length!, 1);
        machine.initTable(a, b, unsigned(to!), unsigned(from!), unsigned(length!));
        return;
      }
      case 13:
        machine.elements[a] = [];
        return;
      case 14: {
        const [to, from, length] = this.#popMany(3).map(unsigned);
        this.#spendLength(length!, 1);
        const [target, source] = [machine.tables[a]!, machine.tables[b]!];
        if (from! + length! > source.length || to! + length! > target.length)
          trap('table index is out of bounds');
        for (const [i, entry] of source.slice(from, from! + length!).entries()) target[to! + i] = entry;
        return;
      }
      case 15: {
        const [fill, entries] = this.#popMany(2);
        const before = machine.growTable(a, unsigned(entries!), fill!);
        this.#stack.push(this.#sized(before, machine.module.tables[a]!.limits.is64));
        return;
      }
      case 16:
        this.#stack.push(this.#sized(machine.tables[a]!.length, machine.module.tables[a]!.limits.is64));
        return;
      case 17: {
        const [to, value, length] = this.#popMany(3);
        this.#spendLength(length!, 1);
        const entries = machine.tables[a]!;
        if (unsigned(to!) + unsigned(length!) > entries.length) trap('table index is out of bounds');
        entries.fill(value!, unsigned(to!), unsigned(to!) + unsigned(length!));
        return;
      }
      default:
        throw new NotInterpreted(`opcode ${op}`);
    }
  }
}
