import type { FeatureName } from './features.ts';

/** What a core module declares, as plain figures. */
export interface ModuleShape {
  /** Defined functions; imported ones are in `imports`. */
  readonly functions: number;
  readonly types: number;
  readonly imports: number;
  readonly exports: number;
  /** Defined globals, memories, tables and tags. */
  readonly globals: number;
  readonly memories: number;
  readonly tables: number;
  readonly tags: number;
  readonly dataSegments: number;
  readonly elementSegments: number;
  /** Sum of the initial sizes of the defined memories; a memory64 may ask for more than any host has. */
  readonly initialMemoryBytes: number;
  /** Sum of the initial sizes of the defined tables. */
  readonly initialTableEntries: number;
  /** Declared locals over all functions, parameters not counted. */
  readonly localsTotal: number;
  /** Deepest nesting of blocks in any function; a body without blocks has 0. */
  readonly blockDepth: number;
  /** The longest function body. */
  readonly functionBytes: number;
  /** Whether code runs at instantiation already. */
  readonly hasStart: boolean;
  /** Proposals beyond WebAssembly 1.0 that the module makes use of. */
  readonly features: readonly FeatureName[];
}
