import type { PublishStep } from '../model/artifact.ts';

/** Runs the steps of a publish and keeps how long each took. */
export class StepClock {
  /** In order of first use; what belongs to one step may run in several goes. */
  readonly #msByName = new Map<PublishStep['name'], number>();

  get steps(): PublishStep[] {
    return [...this.#msByName].map(([name, ms]) => ({ name, ms: Math.round(ms * 1_000) / 1_000 }));
  }

  async time<T>(name: PublishStep['name'], run: () => T | Promise<T>): Promise<T> {
    const start = performance.now();
    const value = await run();
    this.#msByName.set(name, (this.#msByName.get(name) ?? 0) + performance.now() - start);
    return value;
  }
}
