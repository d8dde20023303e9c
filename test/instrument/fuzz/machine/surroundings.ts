import type { ModuleFormat } from './module-format.ts';
import type { SingleInstructions } from './single-instruction.ts';
import type { FunctionReference, Value } from './value.ts';

/** What a call of a function has around it: the instance, and the account of its fuel. */
export interface Surroundings {
  readonly module: ModuleFormat;
  readonly memories: readonly WebAssembly.Memory[];
  readonly globals: Value[];
  readonly tables: readonly Value[][];
  readonly tags: readonly object[];
  /** Passive segments; one that was dropped, or copied already, is empty. */
  readonly elements: (readonly Value[])[];
  readonly data: Uint8Array[];
  readonly single: SingleInstructions;
  readonly functions: readonly FunctionReference[];
  /** Of the straight code that the last trap cut short, as far as it was executed. */
  cut: number;
  spend(units: number): void;
  /** A frame is left, or goes on in a handler, in the middle of straight code. */
  leave(rest: number): void;
  call(index: number, args: readonly Value[]): readonly Value[];
  typeOf(index: number): ModuleFormat['types'][number];
  /** Both: the size before, or -1. */
  growMemory(index: number, pages: number): number;
  growTable(index: number, entries: number, fill: Value): number;
  /** Copies `length` items of a segment into a table or memory, if both have them. */
  initTable(segment: number, table: number, to: number, from: number, length: number): void;
  initMemory(segment: number, memory: number, to: number, from: number, length: number): void;
}
