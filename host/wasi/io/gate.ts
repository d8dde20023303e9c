/**
 * A promise that many may wait for and that can be renewed: everybody who waits before `open()` is released
 * by it, later ones wait for the next. One promise is shared by all waiters, so waiting twice costs nothing.
 */
export class Gate {
  #promise: Promise<void> | undefined;
  #resolve: (() => void) | undefined;

  wait(): Promise<void> {
    this.#promise ??= new Promise<void>((resolve) => {
      this.#resolve = resolve;
    });
    return this.#promise;
  }

  open(): void {
    const resolve = this.#resolve;
    this.#promise = undefined;
    this.#resolve = undefined;
    resolve?.();
  }
}
