import type { ErrorCode } from '../errors/errors.ts';

/** Whether an invocation is over. An `AbortSignal` is one, too. */
export interface EndFlag {
  readonly aborted: boolean;
}

/** How a host call sees that its invocation is over, and how it ends it. */
export interface Ending {
  /** For whoever only looks: `WasiContext.signal` is made when it is asked for, and costs a controller, an event and its dispatch. */
  readonly end: EndFlag;
  /**
   * Ends the invocation with a code of errors.ts, from inside a host call. The guest is cut off at its next
   * fuel check even if it catches what the call throws. Returns the error to throw.
   */
  terminate(code: ErrorCode, detail: string): Error;
}
