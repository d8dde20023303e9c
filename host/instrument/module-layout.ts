import type { Section } from './sections.ts';

/** What the code of a function needs to know about a type; indices of all kinds include imports first. */
export interface TypeLayout {
  /** Parameters of a function type, else 0. */
  readonly params: number;
  /** Fields of a struct type, else 0. */
  readonly fields: number;
  /** Results of a function type, else 0. */
  readonly results: number;
  /** Encodings of a function type's parameters and results, without their counts. */
  readonly paramTypes: ByteRange;
  readonly resultTypes: ByteRange;
}

export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Where the parts of a module are and how they are numbered; filled by declarations.ts, read by everything. */
export interface ModuleLayout {
  readonly sections: readonly Section[];
  readonly types: TypeLayout[];
  imports: number;
  /** Type index of every function, imported ones first. */
  readonly functionTypes: number[];
  importedFunctions: number;
  /** Functions that code can call by a reference or at instantiation, which fixes their type. */
  readonly pinnedFunctions: Set<number>;
  readonly exportedFunctions: Set<number>;
  /** Whether a memory (a table) is indexed with i64, imported ones first. */
  readonly memories64: boolean[];
  importedMemories: number;
  readonly tables64: boolean[];
  /** Encoding of each table's reference type, `bytes[from..to)`. */
  readonly tableTypes: ByteRange[];
  importedTables: number;
  globals: number;
  importedGlobals: number;
  tags: number;
  importedTags: number;
  exports: number;
  dataSegments: number;
  elementSegments: number;
  initialMemoryBytes: number;
  initialTableEntries: number;
  hasStart: boolean;
  /** Bodies in the code section; equals the number of defined functions. */
  bodies: number;
  /** Where the first body's size stands. */
  codeStart: number;
}

export function emptyLayout(sections: readonly Section[]): ModuleLayout {
  return {
    sections,
    types: [],
    imports: 0,
    functionTypes: [],
    importedFunctions: 0,
    pinnedFunctions: new Set(),
    exportedFunctions: new Set(),
    memories64: [],
    importedMemories: 0,
    tables64: [],
    tableTypes: [],
    importedTables: 0,
    globals: 0,
    importedGlobals: 0,
    tags: 0,
    importedTags: 0,
    exports: 0,
    dataSegments: 0,
    elementSegments: 0,
    initialMemoryBytes: 0,
    initialTableEntries: 0,
    hasStart: false,
    bodies: 0,
    codeStart: 0,
  };
}
