/**
 * Runs one module in three worlds with the same calls: metered, as it is, and on the reference machine. Results,
 * traps and what was told to the host are the same in all; the fuel of the metered one equals the machine's. The
 * metered one goes first with a budget, so that a module which never ends ends the comparison only: the machine has no end within the
 * budget either, then.
 */
import { InstrumentError } from '../../../host/instrument/error.ts';
import { instrument } from '../../../host/instrument/instrument.ts';
import { METER_MODULE } from '../../../host/instrument/meter-imports.ts';
import { compile, MeterHost } from '../metered.ts';
import type { Random } from '../random.ts';
import { type Bits, exportCaller, isCallable, parameterBits } from './export-caller.ts';
import { FuzzHost } from './fuzz-host.ts';
import { NotInterpreted } from './machine/instruction.ts';
import { Machine } from './machine/machine.ts';
import { type Export, type ModuleFormat, readModule, readSignatures } from './machine/module-format.ts';
import { Thrown, TooLong, type Value } from './machine/value.ts';
import type { FunctionType } from './machine/value-type.ts';

export interface Comparison {
  /** Calls with the same outcome; of those, how many trapped, and how many threw. */
  calls: number;
  traps: number;
  exceptions: number;
  /** Whether it ended by running out of fuel. */
  ranOut: boolean;
  /** What was charged beyond the budget then. Operations that are charged by their length can ask for any of it. */
  excess: number;
  /** Of the calls, the ones whose fuel was compared with the machine's. */
  counted: number;
  fuel: number;
}

/** Of no calls. */
export function noComparison(): Comparison {
  return { calls: 0, traps: 0, exceptions: 0, ranOut: false, excess: 0, counted: 0, fuel: 0 };
}

/** Metering changed something. */
export class Difference extends Error {}

const UNLIMITED = 2n ** 60n;
const MAX_FUEL = 500_000;
const CALLS_OF_EACH = 2;
/** What a trap leaves uncharged at most: what the local counter holds at a check, and what is executed up to one. */
const TRAP_LOSS = 16_384 + 1_024;
/** What it finds charged too early at most, besides straight code: the turns of one counted loop. */
const TRAP_EXCESS = 4_096;

/** Undefined for a module that metering refuses or whose imports cannot be made here. */
export async function compareModule(bytes: Uint8Array, random: Random): Promise<Comparison | undefined> {
  const plain = compile(bytes);
  let metered: WebAssembly.Module;
  try {
    metered = compile(instrument(bytes).bytes);
  } catch (error) {
    if (error instanceof InstrumentError && error.code !== 'malformed') return undefined;
    throw new Difference(`a valid module was not metered: ${error}`);
  }
  const machineFormat = orUndefined(() => readModule(bytes));
  const format = machineFormat ?? orUndefined(() => readSignatures(bytes));
  if (format === undefined) return undefined;
  return new Differential({ plain, metered, format, machineFormat }, random).run();
}

interface Subject {
  readonly plain: WebAssembly.Module;
  readonly metered: WebAssembly.Module;
  readonly format: ModuleFormat;
  /** With code; undefined where the machine does not know all of it. */
  readonly machineFormat: ModuleFormat | undefined;
}

type Outcome = { readonly bits: Bits } | { readonly error: unknown };

function attempt(call: () => Bits): Outcome {
  try {
    return { bits: call() };
  } catch (error) {
    return { error };
  }
}

function show(outcome: Outcome): string {
  if ('bits' in outcome) return outcome.bits.join(', ');
  const { error } = outcome;
  if (error instanceof Thrown || error instanceof WebAssembly.Exception) return 'exception';
  if (!(error instanceof Error)) return `thrown ${String(error)}`;
  return `${error.name}: ${error.message}`;
}

/** The machine's traps have words of their own. */
function showKind(outcome: Outcome): string {
  return show(outcome).replace(/^(RuntimeError): .*/, '$1');
}

function isOverflow(outcome: Outcome): boolean {
  return 'error' in outcome && outcome.error instanceof RangeError;
}

class Differential {
  readonly #comparison = noComparison();
  readonly #plain: WebAssembly.Module;
  readonly #metered: WebAssembly.Module;
  readonly #random: Random;
  readonly #format: ModuleFormat;
  readonly #machineFormat: ModuleFormat | undefined;
  readonly #hosts: readonly [FuzzHost, FuzzHost, FuzzHost];
  readonly #meter = new MeterHost({ fuel: BigInt(MAX_FUEL), pages: UNLIMITED, entries: UNLIMITED });
  #machine: Machine | undefined;
  #before = { fuel: 0, rest: 0, spent: 0 };

  constructor({ plain, metered, format, machineFormat }: Subject, random: Random) {
    this.#plain = plain;
    this.#metered = metered;
    this.#random = random;
    this.#machineFormat = machineFormat;
    this.#format = format;
    const host = (): FuzzHost => new FuzzHost(this.#format);
    this.#hosts = [host(), host(), host()];
  }

  async run(): Promise<Comparison | undefined> {
    const [plainHost, meteredHost, machineHost] = this.#hosts;
    const imports = await plainHost.imports().catch(() => undefined);
    if (imports === undefined) return undefined;
    const meteredImports = { ...(await meteredHost.imports()), [METER_MODULE]: this.#meter.imports };
    const instances: WebAssembly.Instance[] = [];
    const meteredOutcome = attempt(() => {
      instances.push(new WebAssembly.Instance(this.#metered, meteredImports));
      return [];
    });
    if (this.#hasRunOut()) {
      if (this.#machineFormat !== undefined) {
        const machine = new Machine(this.#machineFormat, machineHost, MAX_FUEL);
        this.#requireTooLong('instantiation', machine, () => machine.start());
      }
      return this.#comparison;
    }
    const plainOutcome = attempt(() => {
      instances.push(new WebAssembly.Instance(this.#plain, imports));
      return [];
    });
    // What this host gives for an import may not fit it: the machine checks no types.
    const isLinked = !('error' in plainOutcome && plainOutcome.error instanceof WebAssembly.LinkError);
    const machineOutcome = attempt(() => {
      if (this.#machineFormat === undefined || !isLinked) return [];
      this.#machine = new Machine(this.#machineFormat, machineHost, MAX_FUEL);
      this.#machine.start();
      return [];
    });
    if (!this.#compare('instantiation', plainOutcome, meteredOutcome, machineOutcome))
      return this.#comparison;
    const [metered, plain] = instances;
    if (plain === undefined || metered === undefined) return this.#comparison;
    for (const exported of this.#format.exports) {
      if (exported.kind === 'function' && !(await this.#callExport(exported, plain, metered))) break;
    }
    return this.#comparison;
  }

  /** False where comparing has to end: fuel ran out, or a stack overflowed. */
  async #callExport(
    { name, index }: Export,
    plain: WebAssembly.Instance,
    metered: WebAssembly.Instance,
  ): Promise<boolean> {
    const type = this.#format.types[this.#format.functions[index]!]!;
    if (!isCallable(type)) return true;
    const callPlain = await exportCaller(plain.exports[name]!, type);
    const callMetered = await exportCaller(metered.exports[name]!, type);
    if (callPlain === undefined || callMetered === undefined) return true;
    for (let i = 0; i < CALLS_OF_EACH; i++) {
      const bits = parameterBits(type).map((kind) => randomBits(this.#random, kind));
      const meteredOutcome = attempt(() => callMetered(bits));
      const machine = this.#machine;
      const what = `${name}(${bits.join(', ')})`;
      if (this.#hasRunOut()) {
        if (machine) this.#requireTooLong(what, machine, () => machine.call(index, toMachine(type, bits)));
        return false;
      }
      const plainOutcome = attempt(() => callPlain(bits));
      const machineOutcome =
        machine && attempt(() => fromMachine(type, machine.call(index, toMachine(type, bits))));
      if (!this.#compare(what, plainOutcome, meteredOutcome, machineOutcome)) return false;
    }
    return true;
  }

  #hasRunOut(): boolean {
    this.#comparison.ranOut = this.#meter.refills > 0;
    this.#comparison.excess = Math.max(0, this.#meter.spent - MAX_FUEL);
    return this.#comparison.ranOut;
  }

  /** It ran out: so does the machine, or nearly. */
  #requireTooLong(what: string, machine: Machine, run: () => void): void {
    try {
      run();
    } catch (error) {
      const isUnknown =
        error instanceof TooLong || error instanceof RangeError || error instanceof NotInterpreted;
      if (isUnknown) return;
      if (!(error instanceof Thrown) && !(error instanceof WebAssembly.RuntimeError)) throw error;
    }
    if (machine.fuel + machine.rest + TRAP_EXCESS < MAX_FUEL)
      this.#require(what, 'fuel', machine.fuel, `more than ${MAX_FUEL}`);
  }

  #compare(what: string, plain: Outcome, metered: Outcome, machine: Outcome | undefined): boolean {
    if (isOverflow(plain) || isOverflow(metered)) return false;
    this.#require(what, 'result', show(plain), show(metered));
    const [plainNotes, meteredNotes, machineNotes] = this.#hosts.map(({ notes }) =>
      notes.splice(0).join('; '),
    );
    this.#require(what, 'notes', plainNotes, meteredNotes);
    this.#comparison.calls++;
    if (show(plain) === 'exception') this.#comparison.exceptions++;
    else if ('error' in plain) this.#comparison.traps++;
    if (machine === undefined) return true;
    if ('error' in machine) {
      const { error } = machine;
      if (error instanceof TooLong || error instanceof RangeError) return false;
      if (error instanceof NotInterpreted) this.#machine = undefined;
      else if (!(error instanceof Thrown) && !(error instanceof WebAssembly.RuntimeError)) throw error;
    }
    if (this.#machine === undefined) return true;
    this.#require(what, "machine's result", showKind(machine), showKind(metered));
    this.#require(what, "machine's notes", machineNotes, meteredNotes);
    this.#compareFuel(what, showKind(metered).startsWith('RuntimeError'));
    this.#comparison.counted++;
    this.#comparison.fuel = this.#machine.fuel;
    return true;
  }

  /** Equal, or within what `docs/fuel.md` allows where a trap or an exception left code half-way. */
  #compareFuel(what: string, hasTrapped: boolean): void {
    const { fuel, rest, cut } = this.#machine!;
    const counted = fuel - this.#before.fuel;
    const spent = this.#meter.spent - this.#before.spent;
    const least = counted - (hasTrapped ? TRAP_LOSS + cut : 0);
    const most = counted + rest - this.#before.rest + (hasTrapped ? TRAP_EXCESS : 0);
    if (spent < least || spent > most) this.#require(what, 'fuel', `${least} to ${most}`, spent);
    this.#before = { fuel, rest, spent: this.#meter.spent };
  }

  #require(what: string, aspect: string, expected: unknown, actual: unknown): void {
    if (expected !== actual) throw new Difference(`${what}: ${aspect} ${expected} became ${actual}`);
  }
}

function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof NotInterpreted) return undefined;
    throw error;
  }
}

const INTERESTING = [
  0, 1, -1, 2, 7, 8, 100, 255, 0x7fff, 65_535, 65_536, 0x7fffffff, -0x80000000, 0x3f800000, -0x40800000,
];

function randomBits(random: Random, kind: 'i32' | 'i64'): number | bigint {
  const low = random.below(3) === 0 ? random.below(2 ** 32) | 0 : random.pick(INTERESTING);
  if (kind === 'i32') return low;
  const high = random.below(2) === 0 ? 0 : random.pick(INTERESTING);
  return BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt.asUintN(32, BigInt(low)));
}

function toMachine({ parameters }: FunctionType, bits: Bits): Value[] {
  let at = 0;
  return parameters.map(({ kind }) => {
    if (kind === 'ref') return null;
    if (kind !== 'v128') return bits[at++]!;
    at += 2;
    return [bits[at - 2], bits[at - 1]] as unknown as readonly [bigint, bigint];
  });
}

function fromMachine({ results }: FunctionType, values: readonly Value[]): Bits {
  return values.flatMap((value, i) =>
    results[i]!.kind === 'ref' ? [value === null ? 1 : 0] : ([value].flat() as (number | bigint)[]),
  );
}
