import type { Section } from './sections.ts';

/** What the code of a function needs to know about a type; indices of all kinds include imports first. */
export interface TypeLayout {
  /** Parameters of a function type, else 0. */
  readonly params: number;
  /** Fields of a struct type, else 0. */
  readonly fields: number;
  /** What an object of a struct type, or an array without its elements, counts for; 0 for functions. */
  readonly objectBytes: number;
  /** What an element of an array type counts for, else 0. */
  readonly elementBytes: number;
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

/** What holds state and can be exported. */
export type StateKind = 'table' | 'memory' | 'global';

export interface MutableGlobal {
  readonly index: number;
  /** Encoding of its value type. */
  readonly type: ByteRange;
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
  /** Module and name of each imported memory. */
  readonly memoryImports: (readonly [module: string, name: string])[];
  readonly tables64: boolean[];
  /** Encoding of each table's reference type, `bytes[from..to)`. */
  readonly tableTypes: ByteRange[];
  importedTables: number;
  globals: number;
  importedGlobals: number;
  readonly mutableGlobals: MutableGlobal[];
  tags: number;
  /** How many values an exception of each tag carries. */
  readonly tagParams: number[];
  importedTags: number;
  exports: number;
  /** Where the first export stands. */
  exportsStart: number;
  /** A name under which each table, memory and global is exported, if it is. */
  readonly exportNames: { readonly [Kind in StateKind]: Map<number, string> };
  dataSegments: number;
  elementSegments: number;
  /** Segments that stay until code drops them. */
  readonly passiveData: Set<number>;
  readonly passiveElements: Set<number>;
  initialMemoryBytes: number;
  /** Of objects that constant expressions make. */
  initialObjectBytes: number;
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
    memoryImports: [],
    tables64: [],
    tableTypes: [],
    importedTables: 0,
    globals: 0,
    importedGlobals: 0,
    mutableGlobals: [],
    tags: 0,
    tagParams: [],
    importedTags: 0,
    exports: 0,
    exportsStart: 0,
    exportNames: { table: new Map(), memory: new Map(), global: new Map() },
    dataSegments: 0,
    elementSegments: 0,
    passiveData: new Set(),
    passiveElements: new Set(),
    initialMemoryBytes: 0,
    initialObjectBytes: 0,
    initialTableEntries: 0,
    hasStart: false,
    bodies: 0,
    codeStart: 0,
  };
}
