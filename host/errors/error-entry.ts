/** Who has to act: the `caller` of the API, the author of the `function`, or the operator of the `host`. */
export type Fault = 'caller' | 'function' | 'host';

export interface ErrorEntry {
  readonly fault: Fault;
  readonly status: number;
  readonly retryable: boolean;
  /** Short, constant summary (RFC 9457 `title`). */
  readonly title: string;
  /** What to do about it. */
  readonly mend: string;
}
