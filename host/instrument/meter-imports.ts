import type { DeclarationRules } from './declaration-scan.ts';

/**
 * What an instrumented module imports from the host: the contract between `instrument/`, which writes the
 * calls, and `instance/`, which answers them. One set serves all core modules of a component instance.
 */
export const METER_MODULE = 'mayfly';

/** What the names of exports that metering adds begin with (state-exports.ts): `mayfly:memory/0`. */
export const STATE_EXPORT_PREFIX = 'mayfly:';
/** `mayfly:events/...` is a handler's name, which guests do export. */
const STATE_EXPORTS = /^mayfly:(?:memory|table|global)\//;

/** Names that no module may bring along. */
export const RESERVED_NAMES: DeclarationRules = {
  reservedImportModule: METER_MODULE,
  reservedExports: STATE_EXPORTS,
};

export const METER_IMPORTS = {
  /**
   * `global (mut i64)`: fuel left of the current slice. Code subtracts what it is about to run; a check finds
   * it below zero.
   */
  fuel: 'fuel',
  /**
   * `func ()`: called with the counter below zero, at a function's entry or a loop's head. The host raises
   * the counter, possibly after parking the guest (JSPI); if it is still below zero when the call returns,
   * the code traps with `unreachable`, which no guest can catch.
   */
  refill: 'refill',
  /** `func (i64 pages) -> i32`: before memory.grow; 0 refuses, and the grow then gives -1 as Wasm says. */
  reserveMemory: 'reserve-memory',
  /** `func (i64 pages)`: gives back a reservation whose grow failed. */
  releaseMemory: 'release-memory',
  /** `func (i64 entries) -> i32`: the same for table.grow. */
  reserveTable: 'reserve-table',
  releaseTable: 'release-table',
  /**
   * `global (mut i64)`: bytes that structs and arrays may still take before the host is asked. Code subtracts an
   * object's bytes before it makes it.
   */
  objects: 'objects',
  /**
   * `func ()`: called with that below zero. The host raises it; if it is still below zero when the call returns, the
   * code traps with `unreachable`.
   */
  reserveObjects: 'reserve-objects',
} as const;

/**
 * `global (mut i32)`, of each memory that code sizes or grows: pages by which it is larger than code is told. The
 * host may grow a memory ahead; `memory.grow` then takes from these pages first. At 0, everything is as usual.
 */
export function headroomImport(memory: number): string {
  return `headroom/${memory}`;
}
