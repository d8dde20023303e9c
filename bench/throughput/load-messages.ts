/** What passes between the bench and the process that makes the load. */

export interface LoadOrder {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
  readonly durationMs: number;
  /** Header fields of each request beside `Host`, as they are sent: each with its line end. */
  readonly fields?: string;
  /** The body that every answer must have. */
  readonly body: string;
}

export type LoadResult =
  | {
      readonly kind: 'measured';
      readonly requests: number;
      readonly seconds: number;
      /** Of the latencies, as bench/latency/histogram.ts keeps them. */
      readonly counts: readonly number[];
      /** What the generator itself used of a core, all of its process. */
      readonly cpuMicros: number;
    }
  | { readonly kind: 'failed'; readonly message: string };
