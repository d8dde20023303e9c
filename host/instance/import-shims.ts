import type { HostCallKind } from '../model/host-call-kind.ts';
import type { CoreFunction } from './guest.ts';

/** Kinds of the functions of a shim, by the names under which it exports them. */
export type ImportShim = Map<string, HostCallKind>;

/**
 * What functions of the host are that a core module imports by number. One that takes the guest's memory cannot be made
 * before the module that has it: wit-component gives that module functions of a shim (`0`, `1`), which call through a
 * table, and fills the table later, by a module that imports the table and the functions of the host under the same
 * numbers. Only the first of these imports says what a function is (`wasi:io/streams`, `[method]input-stream.read`).
 */
export class ImportShims {
  readonly #byTable = new WeakMap<object, ImportShim>();
  readonly #entries = new WeakMap<CoreFunction, readonly [shim: ImportShim, name: string]>();

  /** An instance was made: it is a shim if it exports a table beside functions. */
  note(exports: WebAssembly.Exports): void {
    const members = Object.entries(exports);
    const tables = members.filter(([, value]) => value instanceof WebAssembly.Table);
    if (tables.length === 0) return;
    const shim: ImportShim = new Map();
    for (const [, table] of tables) this.#byTable.set(table as WebAssembly.Table, shim);
    for (const [name, value] of members)
      if (typeof value === 'function') this.#entries.set(value as CoreFunction, [shim, name]);
  }

  /** A core module imports a function that another one exports, under a name of this kind. */
  imported(exported: CoreFunction, kind: HostCallKind): void {
    const entry = this.#entries.get(exported);
    if (entry !== undefined) entry[0].set(entry[1], kind);
  }

  /** The shim whose table is among the imports. */
  filledBy(imports: WebAssembly.Imports): ImportShim | undefined {
    for (const members of Object.values(imports)) {
      for (const value of Object.values(members)) {
        const shim = value instanceof WebAssembly.Table ? this.#byTable.get(value) : undefined;
        if (shim !== undefined) return shim;
      }
    }
    return undefined;
  }
}
