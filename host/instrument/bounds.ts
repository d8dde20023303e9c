import { COMPONENT_LIMITS } from '../limits/limits.ts';

/** Structural bounds on one core module. `locals` is per function, `localsTotal` the sum over all. */
export interface ModuleBounds {
  readonly functions: number;
  readonly types: number;
  readonly imports: number;
  readonly exports: number;
  readonly globals: number;
  readonly memories: number;
  readonly tables: number;
  readonly tags: number;
  readonly dataSegments: number;
  readonly elementSegments: number;
  readonly blockDepth: number;
  readonly functionBytes: number;
  readonly locals: number;
  readonly localsTotal: number;
}

export const MODULE_BOUNDS: ModuleBounds = {
  functions: COMPONENT_LIMITS.functions,
  types: COMPONENT_LIMITS.types,
  imports: COMPONENT_LIMITS.imports,
  exports: COMPONENT_LIMITS.exports,
  globals: COMPONENT_LIMITS.globals,
  /** V8 reserves 8 GiB of address space for each, even an empty one; toolchains emit one, jco's glue two. */
  memories: 16,
  /** A declared table costs a few hundred bytes each; toolchains emit one to three. */
  tables: 1_000,
  tags: 10_000,
  dataSegments: COMPONENT_LIMITS.dataSegments,
  elementSegments: COMPONENT_LIMITS.elementSegments,
  blockDepth: COMPONENT_LIMITS.blockDepth,
  functionBytes: COMPONENT_LIMITS.functionBytes,
  locals: COMPONENT_LIMITS.locals,
  localsTotal: COMPONENT_LIMITS.localsTotal,
};
