/**
 * What instances of a module change while they run, as plain data: what has to be put back before an instance
 * can be used again, and whether it can. Memories, tables and globals go by the names of their exports, which
 * instrumenting adds where the module has none.
 */
export interface ModuleState {
  /** Every memory; imported ones, too, since the host cannot see who defines them. */
  readonly memories: readonly string[];
  /** Tables that code of this module writes to. A table that no module writes to stays as instantiation left it. */
  readonly tables: readonly string[];
  /** Mutable globals, imported ones too. */
  readonly globals: readonly string[];
  /** Memories whose size its code sees, of each of which it imports the headroom. */
  readonly headrooms: readonly MemoryHeadroom[];
  /** Why nobody can put an instance back as it was; empty if it can be done. */
  readonly obstacles: readonly StateObstacle[];
}

/** See `headroomImport`. */
export interface MemoryHeadroom {
  /** Its index, by which the import and (but for obstacles) the entry of `memories` go. */
  readonly memory: number;
  /** Where the memory itself is imported from, or null if the module defines it. */
  readonly from: readonly [module: string, name: string] | null;
}

/** State that the JavaScript API cannot read, write or undo. */
export const STATE_OBSTACLES = [
  /** A mutable global of type v128, which no JavaScript value stands for. */
  'v128-global',
  /** A mutable global or a written table of references that JavaScript must not touch, such as exceptions. */
  'opaque-references',
  /** Structs and arrays are changed in place, and what refers to them is not to be found. */
  'gc-objects',
  /** A segment that code reads can be dropped, and nothing brings it back. */
  'data-drop',
  'element-drop',
  /** More than MAX_STATE_GLOBALS globals or MAX_STATE_TABLES tables. */
  'too-much-state',
  /** The artifact is older than this analysis. */
  'not-analyzed',
] as const;
export type StateObstacle = (typeof STATE_OBSTACLES)[number];

/** Putting one back takes 40 ns; toolchains emit one to three, position-independent code some hundreds. */
export const MAX_STATE_GLOBALS = 4_096;
export const MAX_STATE_TABLES = 64;
