/** Entry of the handle table (CanonicalABI.md, `error-context`). */
export class ErrorContext {
  readonly debugMessage: string;

  constructor(debugMessage: string) {
    this.debugMessage = debugMessage;
  }
}
