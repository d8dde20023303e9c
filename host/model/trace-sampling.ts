/** What `OTEL_TRACES_SAMPLER` and its argument come to. */
export interface TraceSampling {
  /** Whether spans go anywhere; where they do not, contexts are passed on as they come. */
  readonly isOn: boolean;
  /** Whether a caller's own decision holds. */
  readonly isParentBased: boolean;
  /** Of the traces that begin here, or of all where callers decide nothing: 0 to 1. */
  readonly ratio: number;
}

export const NO_TRACING: TraceSampling = { isOn: false, isParentBased: true, ratio: 0 };
