/**
 * One of the two worlds that a test script is run in: with modules as they are, or with metered ones. A world has
 * its own instances, its own host module `spectest` and its own registered names, since instances share state.
 */
import { METER_MODULE } from '../../../host/instrument/meter-imports.ts';
import { compile, MeterHost } from '../metered.ts';
import { bitCaller } from './bit-caller.ts';
import { type Bits, numericTypes, readConstant } from './constants.ts';
import type { Result } from './expected-results.ts';
import { headOf, isList, type List, stringText } from './s-expression.ts';

/** What came of an action. `kind` is the same for the same trap, whatever the indices in its text. */
export type Outcome = { readonly results: readonly Result[] } | { readonly kind: string };

/** No script may be stopped by the host's caps: those are not what it tests. */
const UNLIMITED = 2n ** 60n;

function spectest(): WebAssembly.ModuleImports {
  const nothing = (): void => {};
  const names = [
    'print',
    'print_i32',
    'print_i64',
    'print_f32',
    'print_f64',
    'print_i32_f32',
    'print_f64_f64',
  ];
  return {
    ...Object.fromEntries(names.map((name) => [name, nothing])),
    global_i32: new WebAssembly.Global({ value: 'i32' }, 666),
    global_i64: new WebAssembly.Global({ value: 'i64' }, 666n),
    global_f32: new WebAssembly.Global({ value: 'f32' }, Math.fround(666.6)),
    global_f64: new WebAssembly.Global({ value: 'f64' }, 666.6),
    table: new WebAssembly.Table({ initial: 10, maximum: 20, element: 'anyfunc' }),
    table64: table64(),
    memory: new WebAssembly.Memory({ initial: 1, maximum: 2 }),
  };
}

/** The constructor of a table with 64-bit indices is easier to reach through a module. */
function table64(): WebAssembly.ExportValue {
  const bytes = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 4, 5, 1, 0x70, 5, 10, 20, 7, 5, 1, 1, 0x74, 1, 0];
  return new WebAssembly.Instance(compile(new Uint8Array(bytes))).exports['t']!;
}

export function kindOf(error: unknown): string {
  if (!(error instanceof Error))
    return error instanceof WebAssembly.Exception ? 'exception' : `thrown ${String(error)}`;
  const text = error.message.replace(/^WebAssembly\.\w+\(\): /, '');
  // Metering adds imports and functions, so that indices in the engine's messages differ.
  return `${error.name}: ${text
    .replace(/#\d+/g, '#')
    .replace(/ @\+\d+/g, '')
    .replace(/segment \d+/g, 'segment')}`;
}

export class World {
  readonly #registered: WebAssembly.Imports = { spectest: spectest() };
  readonly #named = new Map<string, WebAssembly.Exports | undefined>();
  readonly #host: MeterHost | undefined;
  #current: WebAssembly.Exports | undefined;

  constructor(isMetered: boolean) {
    if (isMetered) this.#host = new MeterHost({ fuel: UNLIMITED, pages: UNLIMITED, entries: UNLIMITED });
  }

  get spent(): number {
    return this.#host?.spent ?? 0;
  }

  /** Instantiates and makes it the current instance; gives the kind of the error, if there is one. */
  instantiate(module: WebAssembly.Module, name: string | undefined): string | undefined {
    this.forget(name);
    try {
      const meter = this.#host === undefined ? {} : { [METER_MODULE]: this.#host.imports };
      const { exports } = new WebAssembly.Instance(module, { ...this.#registered, ...meter });
      this.#current = exports;
      if (name !== undefined) this.#named.set(name, exports);
      return undefined;
    } catch (error) {
      return kindOf(error);
    }
  }

  /** No instance is current, or has this name: its module was not to be had. */
  forget(name: string | undefined): void {
    this.#current = undefined;
    if (name !== undefined) this.#named.set(name, undefined);
  }

  register(as: string, name: string | undefined): void {
    const exports = name === undefined ? this.#current : this.#named.get(name);
    if (exports === undefined) delete this.#registered[as];
    else this.#registered[as] = exports as WebAssembly.ModuleImports;
  }

  /**
   * `(invoke $instance? "name" arguments...)` or `(get $instance? "name")`; undefined where there is no instance
   * to act on. `expected` tells the types of the results, which JavaScript could not all hold.
   */
  async act(action: List, expected: readonly List[]): Promise<Outcome | undefined> {
    const [, ...rest] = action.items;
    const name =
      typeof rest[0] === 'string' && rest[0].startsWith('$') ? (rest.shift() as string) : undefined;
    const exports = name === undefined ? this.#current : this.#named.get(name);
    if (exports === undefined) return undefined;
    const target = exports[stringText(rest.shift() as string)]!;
    try {
      if (headOf(action) === 'get')
        return { results: await readGlobal(target as WebAssembly.Global, expected) };
      return { results: await invoke(target, rest.filter(isList), expected) };
    } catch (error) {
      return { kind: kindOf(error) };
    }
  }
}

async function invoke(
  target: WebAssembly.ExportValue,
  args: readonly List[],
  expected: readonly List[],
): Promise<Result[]> {
  const parameters = numericTypes(args);
  const results = numericTypes(expected.map(alternative));
  const constants = args.map(readConstant);
  if (parameters !== undefined && results !== undefined) {
    const call = await bitCaller(target, parameters, results).catch((error: unknown) => {
      // A trap's script does not say what the function would have given.
      if (error instanceof WebAssembly.LinkError) return undefined;
      throw error;
    });
    if (call !== undefined)
      return call(constants.flatMap((constant) => (constant.type === 'reference' ? [] : constant.bits))).map(
        (bits) => ({ bits }),
      );
  }
  const given = (target as (...values: unknown[]) => unknown)(
    ...constants.map((constant) =>
      constant.type === 'reference' ? constant.value : toNumber(constant.type, constant.bits[0]!),
    ),
  );
  const values = given === undefined && expected.length === 0 ? [] : Array.isArray(given) ? given : [given];
  return values.map((value, i) => toResult(value, headOf(expected[i])));
}

/** Any of the alternatives of `(either ...)`: they have one type. */
function alternative(form: List): List {
  return headOf(form) === 'either' ? (form.items[1] as List) : form;
}

async function readGlobal(global: WebAssembly.Global, expected: readonly List[]): Promise<Result[]> {
  return [toResult(global.value, headOf(expected[0]))];
}

const scratch = new DataView(new ArrayBuffer(8));

function toNumber(type: string, bits: Bits): Bits {
  if (type === 'f32') {
    scratch.setInt32(0, Number(bits));
    return scratch.getFloat32(0);
  }
  if (type !== 'f64') return bits;
  scratch.setBigInt64(0, BigInt(bits));
  return scratch.getFloat64(0);
}

function toResult(value: unknown, expected: string | undefined): Result {
  if (typeof value === 'bigint') return { bits: [value] };
  if (typeof value !== 'number' || expected?.startsWith('ref.')) return { reference: value };
  if (expected === 'f32.const') {
    scratch.setFloat32(0, value);
    return { bits: [scratch.getInt32(0)] };
  }
  if (expected === 'f64.const') {
    scratch.setFloat64(0, value);
    return { bits: [scratch.getBigInt64(0)] };
  }
  return { bits: [value] };
}
