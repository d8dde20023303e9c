/** What the thread with the cases is told when it starts. */
export interface FuzzWork {
  readonly seed: number;
  readonly first: number;
  readonly count: number;
  /** For files in passing: a thread that is ended removes nothing. */
  readonly folder: string;
  /** The number of the case being run, in memory that both threads see. */
  readonly current: Int32Array<SharedArrayBuffer>;
}

export type FuzzMessage =
  | { readonly type: 'progress'; readonly tally: Readonly<Record<string, number>> }
  | { readonly type: 'failure'; readonly index: number; readonly what: string; readonly module: Uint8Array };
