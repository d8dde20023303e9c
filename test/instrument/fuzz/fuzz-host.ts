/**
 * What a random module imports: functions that note their arguments and give numbers or null, globals, and tags.
 * Each world has one of its own, and the notes of all are compared.
 */
import { assemble, compile } from '../metered.ts';
import type { MachineHost } from './machine/machine.ts';
import type { Import, ModuleFormat } from './machine/module-format.ts';
import type { Value } from './machine/value.ts';
import { zeroOf } from './machine/value.ts';
import type { FunctionType, Kind, ValueType } from './machine/value-type.ts';

const scratch = new DataView(new ArrayBuffer(8));

/** A value as both the engine and the machine can write it down. */
function note(kind: Kind, value: Value): string {
  if (kind === 'ref') return value === null ? 'null' : 'reference';
  if (kind === 'v128') return (value as readonly bigint[]).join(':');
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The number that the machine's bits stand for. */
function numberOf(kind: Kind, value: Value): Value {
  if (kind === 'f32') {
    scratch.setInt32(0, value as number);
    return scratch.getFloat32(0);
  }
  if (kind !== 'f64') return value;
  scratch.setBigInt64(0, value as bigint);
  return scratch.getFloat64(0);
}

export class FuzzHost implements MachineHost {
  readonly notes: string[] = [];
  readonly #format: ModuleFormat;
  #calls = 0;

  constructor(format: ModuleFormat) {
    this.#format = format;
  }

  /** The imports for the engine; throws where one cannot be made. */
  async imports(): Promise<WebAssembly.Imports> {
    const imports: Record<string, WebAssembly.ModuleImports> = {};
    const counts = { function: 0, global: 0, tag: 0, memory: 0, table: 0 };
    for (const from of this.#format.imports) {
      const index = counts[from.kind]++;
      imports[from.module] ??= {};
      imports[from.module]![from.name] = await this.#import(from, index);
    }
    return imports;
  }

  global(from: Import): Value {
    const globals = this.#format.imports.filter(({ kind }) => kind === 'global');
    const { kind, text } = this.#format.globals[globals.indexOf(from)]!.type;
    // Any object stands for what globalOf gives the engine.
    return text?.endsWith('extern)') ? this : zeroOf(kind);
  }

  call(from: Import, args: readonly Value[]): readonly Value[] {
    const functions = this.#format.imports.filter(({ kind }) => kind === 'function');
    const type = this.#typeOf(this.#format.functions[functions.indexOf(from)]!);
    const answer = this.#note(
      from.name,
      type,
      args.map((arg, i) => numberOf(type.parameters[i]!.kind, arg)),
    );
    return type.results.map(({ kind }) => toMachine(kind, answer));
  }

  async #import(from: Import, index: number): Promise<WebAssembly.ImportValue> {
    switch (from.kind) {
      case 'function': {
        const type = this.#typeOf(this.#format.functions[index]!);
        return type.parameters.some(({ kind }) => kind === 'v128')
          ? this.#vectorFunction(from.name, type)
          : this.#function(from.name, type);
      }
      case 'global': {
        const { type, isMutable } = this.#format.globals[index]!;
        return globalOf(type, isMutable);
      }
      case 'tag': {
        const { parameters } = this.#typeOf(this.#format.tags[index]!);
        return new WebAssembly.Tag({
          parameters: parameters.map(({ kind }) => (kind === 'ref' ? 'externref' : kind)),
        });
      }
      default:
        throw new Error(`an imported ${from.kind}`);
    }
  }

  #typeOf(index: number): FunctionType {
    return this.#format.types[index]!;
  }

  #function(name: string, type: FunctionType): WebAssembly.GuestFunction {
    return (...args: unknown[]) => {
      const answer = this.#note(name, type, args as Value[]);
      const results = type.results.map(({ kind }) =>
        kind === 'ref' ? null : kind === 'i64' ? BigInt(answer) : answer,
      );
      return results.length < 2 ? results[0] : results;
    };
  }

  /** JavaScript takes no vectors: a module takes them apart before. */
  async #vectorFunction(name: string, type: FunctionType): Promise<WebAssembly.ExportValue> {
    if (type.parameters.length !== 1 || type.results.length !== 0) throw new Error('a vector among others');
    const module = compile(
      await assemble(`(module (import "h" "f" (func $f (param i64 i64)))
        (func (export "f") (param v128) (call $f (i64x2.extract_lane 0 (local.get 0)) (i64x2.extract_lane 1 (local.get 0)))))`),
    );
    const f = (low: bigint, high: bigint): void => {
      this.#note(name, type, [[low, high]]);
    };
    return new WebAssembly.Instance(module, { h: { f } }).exports['f']!;
  }

  /** Gives a small number that depends on how many calls there were. */
  #note(name: string, type: FunctionType, args: readonly Value[]): number {
    this.notes.push(`${name}(${args.map((arg, i) => note(type.parameters[i]!.kind, arg)).join(', ')})`);
    return this.#calls++ % 5;
  }
}

function toMachine(kind: Kind, answer: number): Value {
  switch (kind) {
    case 'i64':
      return BigInt(answer);
    case 'f32':
      scratch.setFloat32(0, answer);
      return scratch.getInt32(0);
    case 'f64':
      scratch.setFloat64(0, answer);
      return scratch.getBigInt64(0);
    case 'i32':
      return answer;
    default:
      return zeroOf(kind);
  }
}

function globalOf({ kind, text, isNullable }: ValueType, isMutable: boolean): WebAssembly.ImportValue {
  if (kind !== 'ref') return new WebAssembly.Global({ value: kind, mutable: isMutable });
  if (isMutable) throw new Error('a global of references that changes');
  // A value will do where the global does not change; a number is a reference to i31, too.
  if (/\b(extern|any|eq|i31)\)$/.test(text ?? '')) return 5;
  if (!isNullable || text?.includes('exn')) throw new Error(`a global of type ${text}`);
  return null as unknown as WebAssembly.ImportValue;
}
