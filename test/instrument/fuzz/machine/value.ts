/** What is on the machine's stack, and how its guests end. */
import type { NumericValue } from './single-instruction.ts';
import type { Kind } from './value-type.ts';

/** A function, by its index: the same object whenever the same function is meant. */
export interface FunctionReference {
  readonly function: number;
}

export interface ExceptionReference {
  readonly tag: object;
  readonly values: readonly Value[];
}

export type Value = NumericValue | FunctionReference | ExceptionReference | object | null;

/** What a guest throws, on its way to a handler. */
export class Thrown extends Error {
  readonly exception: ExceptionReference;

  constructor(exception: ExceptionReference) {
    super('exception');
    this.exception = exception;
  }
}

export class TooLong extends Error {}

export function trap(text: string): never {
  throw new WebAssembly.RuntimeError(text);
}

export function zeroOf(kind: Kind): Value {
  switch (kind) {
    case 'i32':
    case 'f32':
      return 0;
    case 'i64':
    case 'f64':
      return 0n;
    case 'v128':
      return [0n, 0n];
    case 'ref':
      return null;
  }
}
