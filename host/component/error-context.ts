import { cutText } from '../model/cut-text.ts';

/** The specification lets the host keep as much of a message as it likes. A guest may hold 10,000, each made of all of its memory: twenty took 5 GB. */
const MESSAGE_LENGTH = 1_024;

/** Entry of the handle table (CanonicalABI.md, `error-context`). */
export class ErrorContext {
  readonly debugMessage: string;

  constructor(debugMessage: string) {
    this.debugMessage = cutText(debugMessage, MESSAGE_LENGTH);
  }
}
