/**
 * An interpreter of WebAssembly that counts fuel one instruction at a time, by `docs/fuel.md` alone: the reference
 * that metered modules are compared with. Where a trap or an exception leaves straight code half-way, that page gives
 * bounds only, and the machine counts what those are made of.
 *
 * It covers WebAssembly 2.0, tail calls, exceptions, several memories and 64-bit ones; not garbage-collected
 * objects and not typed function references.
 */
import { Frame } from './frame.ts';
import type { Expression } from './instruction.ts';
import type { Import, ModuleFormat } from './module-format.ts';
import { SingleInstructions } from './single-instruction.ts';
import type { Surroundings } from './surroundings.ts';
import { TailCall } from './tail-call.ts';
import { type FunctionReference, TooLong, trap, type Value, zeroOf } from './value.ts';

export interface MachineHost {
  global(from: Import): Value;
  call(from: Import, args: readonly Value[]): readonly Value[];
}

/** Of the cost model: what a function may declare for free, what a page costs, and what asking for any costs. */
const FREE_LOCALS = 64;
const UNITS_PER_PAGE = 8_192;
const GROWTH_UNITS = 2_000;
/** The engine's own bound on tables. */
const MAX_ENTRIES = 10_000_000;

export class Machine implements Surroundings {
  /** Of what was executed. */
  fuel = 0;
  /** Of the instructions behind those that a trap or an exception left from, up to the next branch: charged or not. */
  rest = 0;
  cut = 0;
  readonly module: ModuleFormat;
  readonly memories: readonly WebAssembly.Memory[];
  readonly globals: Value[] = [];
  readonly tables: Value[][] = [];
  readonly tags: readonly object[];
  readonly elements: (readonly Value[])[];
  readonly data: Uint8Array[];
  readonly single: SingleInstructions;
  readonly functions: readonly FunctionReference[];
  readonly #host: MachineHost;
  readonly #importedFunctions: readonly Import[];
  readonly #maxFuel: number;

  /** Instantiates, but for the start function. */
  constructor(module: ModuleFormat, host: MachineHost, maxFuel: number) {
    this.module = module;
    this.#host = host;
    this.#maxFuel = maxFuel;
    this.#importedFunctions = module.imports.filter(({ kind }) => kind === 'function');
    this.functions = module.functions.map((_, i) => ({ function: i }));
    this.tags = module.tags.map((_, i) => ({ tag: i }));
    this.memories = module.memories.map(({ initial, maximum, is64 }) => newMemory(initial, maximum, is64));
    this.single = new SingleInstructions(this.memories, module.memories);
    for (const from of module.imports) if (from.kind === 'global') this.globals.push(host.global(from));
    for (const initializer of module.initializers) this.globals.push(this.#evaluate(initializer));
    for (const { limits, initial } of module.tables) {
      const entry = initial === undefined ? null : this.#evaluate(initial);
      this.tables.push(new Array<Value>(limits.initial).fill(entry));
    }
    this.elements = module.elements.map(({ content, mode }) =>
      mode === 'declared' ? [] : content.map((expression) => this.#evaluate(expression)),
    );
    this.data = module.data.map(({ content }) => content);
    this.#copySegments();
  }

  start(): void {
    if (this.module.start !== undefined) this.call(this.module.start, []);
  }

  spend(units: number): void {
    this.fuel += units;
    if (this.fuel > this.#maxFuel) throw new TooLong();
  }

  leave(rest: number): void {
    this.rest += rest;
  }

  call(index: number, args: readonly Value[]): readonly Value[] {
    for (let target = index, given = args; ; ) {
      const from = this.#importedFunctions[target];
      if (from !== undefined) return this.#host.call(from, given);
      const { locals, body } = this.module.code[target - this.#importedFunctions.length]!;
      this.spend(Math.max(0, locals.length - FREE_LOCALS));
      const all = [...given, ...locals.map(({ kind }) => zeroOf(kind))];
      const outcome = new Frame(this, body, all, this.typeOf(target).results.length).run();
      if (!(outcome instanceof TailCall)) return outcome;
      target = outcome.index;
      given = outcome.args;
    }
  }

  typeOf(index: number): ModuleFormat['types'][number] {
    return this.module.types[this.module.functions[index]!]!;
  }

  growMemory(index: number, pages: number): number {
    const memory = this.memories[index]!;
    this.spend(GROWTH_UNITS + UNITS_PER_PAGE * pages);
    const before = memory.buffer.byteLength / 65_536;
    try {
      growBy(memory, pages, this.module.memories[index]!.is64);
      return before;
    } catch {
      return -1;
    }
  }

  growTable(index: number, entries: number, fill: Value): number {
    const table = this.tables[index]!;
    this.spend(GROWTH_UNITS + entries);
    const before = table.length;
    if (before + entries > (this.module.tables[index]!.limits.maximum ?? MAX_ENTRIES)) return -1;
    if (before + entries > MAX_ENTRIES) return -1;
    for (let i = 0; i < entries; i++) table.push(fill);
    return before;
  }

  initTable(segment: number, table: number, to: number, from: number, length: number): void {
    const items = this.elements[segment]!;
    const entries = this.tables[table]!;
    if (from + length > items.length || to + length > entries.length) trap('table index is out of bounds');
    for (let i = 0; i < length; i++) entries[to + i] = items[from + i]!;
  }

  initMemory(segment: number, memory: number, to: number, from: number, length: number): void {
    const bytes = this.data[segment]!;
    const { buffer } = this.memories[memory]!;
    if (from + length > bytes.length || to + length > buffer.byteLength) trap('memory access out of bounds');
    new Uint8Array(buffer).set(bytes.subarray(from, from + length), to);
  }

  #copySegments(): void {
    for (const [i, { mode, target, offset, content }] of this.module.elements.entries()) {
      if (mode !== 'active') continue;
      this.initTable(i, target, this.#offset(offset), 0, content.length);
      this.elements[i] = [];
    }
    for (const [i, { mode, target, offset, content }] of this.module.data.entries()) {
      if (mode !== 'active') continue;
      this.initMemory(i, target, this.#offset(offset), 0, content.length);
      this.data[i] = new Uint8Array();
    }
  }

  #offset(expression: Expression | undefined): number {
    return Number(this.#evaluate(expression!)) >>> 0;
  }

  /** Constant expressions are evaluated by the engine, for nothing. */
  #evaluate(expression: Expression): Value {
    const { fuel } = this;
    const [value] = new Frame(this, expression, [], 1).run() as readonly Value[];
    this.fuel = fuel;
    return value!;
  }
}

/** The declarations that this project has of the engine's interface know 32-bit memories only. */
function newMemory(initial: number, maximum: number | undefined, is64: boolean): WebAssembly.Memory {
  const number = (n: number): number => (is64 ? BigInt(n) : n) as number;
  const bounds = { initial: number(initial), ...(maximum === undefined ? {} : { maximum: number(maximum) }) };
  return new WebAssembly.Memory({ ...bounds, ...(is64 ? { address: 'i64' } : {}) });
}

function growBy(memory: WebAssembly.Memory, pages: number, is64: boolean): void {
  memory.grow((is64 ? BigInt(pages) : pages) as number);
}
