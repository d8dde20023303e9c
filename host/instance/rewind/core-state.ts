import type { ModuleState } from '../../model/module-state.ts';
import type { MemoryHeadrooms } from './memory-headroom.ts';

/** An instance of a metered core module, with what its manifest says about its state. */
export interface CoreInstance {
  readonly state: ModuleState;
  readonly exports: WebAssembly.Exports;
}

/** Comparing an entry takes 70 ns. Toolchains that write to tables (`addFunction`, externref) keep small ones. */
const MAX_TABLE_ENTRIES = 16_384;

/** Everything that instances can change, each object once and in the same order for every slot. */
export interface CoreState {
  readonly memories: readonly WebAssembly.Memory[];
  readonly tables: readonly WebAssembly.Table[];
  readonly globals: readonly WebAssembly.Global[];
}

/** The state of one slot's core instances, or why it cannot be put back. */
export function coreStateOf(
  instances: readonly CoreInstance[],
  headrooms: MemoryHeadrooms | undefined,
): CoreState | string {
  const memories = new Set<WebAssembly.Memory>();
  const tables = new Set<WebAssembly.Table>();
  const globals = new Set<WebAssembly.Global>(headrooms?.globals);
  for (const { state, exports } of instances) {
    if (state.obstacles.length > 0) return state.obstacles.join(', ');
    for (const name of state.memories) {
      const memory = exports[name];
      if (!(memory instanceof WebAssembly.Memory)) return `the memory ${name} is not exported`;
      memories.add(memory);
    }
    for (const name of state.tables) {
      const table = exports[name];
      if (!(table instanceof WebAssembly.Table)) return `the table ${name} is not exported`;
      tables.add(table);
    }
    for (const name of state.globals) {
      const global = exports[name];
      if (!(global instanceof WebAssembly.Global)) return `the global ${name} is not exported`;
      globals.add(global);
    }
  }
  const entries = [...tables].reduce((sum, table) => sum + Number(table.length), 0);
  if (entries > MAX_TABLE_ENTRIES) return `${entries} entries of tables that code writes to`;
  for (const global of globals) {
    // A NaN's payload may be lost on the way through JavaScript.
    if (Number.isNaN(global.value)) return 'a global that is not a number';
  }
  return { memories: [...memories], tables: [...tables], globals: [...globals] };
}
