/**
 * The WebAssembly JavaScript interface (W3C, with JS promise integration), as far as Mayfly uses it. TypeScript
 * ships it with the DOM library only, whose other globals do not exist in Node. Tests of the console need those, and reach
 * modules of the host: they are checked with both, in which the library's types of imports come first (tsconfig.console.json).
 */
declare namespace WebAssembly {
  type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128' | 'externref' | 'anyfunc';
  type ImportExportKind = 'function' | 'table' | 'memory' | 'global' | 'tag';
  /** Any function of the guest: what it takes is checked when it is called. */
  type GuestFunction = (...args: never[]) => unknown;
  type ExportValue = GuestFunction | Global | Memory | Table | Tag;
  type ImportValue = ExportValue | Suspending | number | bigint;
  interface ModuleImports {
    [name: string]: ImportValue;
  }
  interface Imports {
    [namespace: string]: ModuleImports;
  }
  interface Exports {
    readonly [name: string]: ExportValue;
  }
  interface ModuleExportDescriptor {
    readonly name: string;
    readonly kind: ImportExportKind;
  }
  interface ModuleImportDescriptor {
    readonly module: string;
    readonly name: string;
    readonly kind: ImportExportKind;
  }
  class Module {
    constructor(bytes: BufferSource);
    static exports(module: Module): ModuleExportDescriptor[];
    static imports(module: Module): ModuleImportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }
  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer;
    grow(delta: number): number;
  }
  class Table {
    constructor(descriptor: { element: 'anyfunc' | 'externref'; initial: number; maximum?: number });
    readonly length: number;
    get(index: number): unknown;
    set(index: number, value?: unknown): void;
    grow(delta: number, value?: unknown): number;
  }
  interface GlobalValues {
    i32: number;
    i64: bigint;
    f32: number;
    f64: number;
    v128: never;
    externref: unknown;
    anyfunc: GuestFunction | null;
  }
  class Global<T extends ValueType = ValueType> {
    constructor(descriptor: { value: T; mutable?: boolean }, value?: GlobalValues[T]);
    value: GlobalValues[T];
  }
  class Tag {
    constructor(descriptor: { parameters: ValueType[] });
  }
  class Exception extends Error {
    constructor(tag: Tag, payload: unknown[]);
    is(tag: Tag): boolean;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}
  class RuntimeError extends Error {}
  /** JSPI: an import that may park the guest by returning a promise. */
  class Suspending {
    // biome-ignore lint/suspicious/noExplicitAny: any function may be imported
    constructor(fn: (...args: any[]) => unknown);
  }
  class SuspendError extends Error {}
  /** JSPI: an export whose parked guest shows as a promise. */
  function promising(fn: GuestFunction): (...args: unknown[]) => Promise<unknown>;
  function compile(bytes: BufferSource): Promise<Module>;
  function instantiate(module: Module, imports?: Imports): Promise<Instance>;
  function validate(bytes: BufferSource): boolean;
  type BufferSource = ArrayBufferView | ArrayBuffer;
}
