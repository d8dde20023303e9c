import type { Value } from './value.ts';

/** What a frame leaves when it ends by calling another function in its place. */
export class TailCall {
  readonly index: number;
  readonly args: readonly Value[];

  constructor(index: number, args: readonly Value[]) {
    this.index = index;
    this.args = args;
  }
}
