import type { HostProcess } from './host-process.ts';

/** Somebody who calls a function of its own again and again while others attack, and remembers what it was told. */
export class Bystander {
  readonly statuses: number[] = [];
  readonly #over: Promise<void>;
  #isOver = false;

  constructor(host: HostProcess, path: string) {
    this.#over = this.#call(host, path);
  }

  /** Each status that it saw, once, after it was served at least once more. */
  async seen(): Promise<number[]> {
    this.#isOver = true;
    await this.#over;
    return [...new Set(this.statuses)];
  }

  async #call(host: HostProcess, path: string): Promise<void> {
    do this.statuses.push((await host.request(path)).status);
    while (!this.#isOver);
  }
}
