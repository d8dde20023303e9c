import type { EndFlag } from '../wasi/ending.ts';

/**
 * The signal that is aborted when an invocation is over, made when it is asked for. Few guests wait for anything; for the
 * others the controller, its event and their dispatch would be made for nothing.
 */
export class EndSignal implements EndFlag {
  #controller: AbortController | undefined;
  #isOver = false;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#isOver) this.#controller.abort(OVER);
    }
    return this.#controller.signal;
  }

  get aborted(): boolean {
    return this.#isOver;
  }

  end(): void {
    this.#isOver = true;
    this.#controller?.abort(OVER);
  }
}

/** One for all: a DOMException with a stack for each invocation would cost 10 µs and say nothing. */
const OVER = new Error('the invocation is over');
