import type { PublishStep } from '../model/artifact.ts';
import type { OnPublishProgress } from '../model/publish-progress.ts';

/** Runs the steps of a publish, says when each begins and ends, and keeps how long it took. */
export class StepClock {
  /** In order of first use; what belongs to one step may run in several goes. */
  readonly #msByName = new Map<PublishStep['name'], number>();
  readonly #onProgress: OnPublishProgress;

  constructor(onProgress: OnPublishProgress = () => {}) {
    this.#onProgress = onProgress;
  }

  get steps(): PublishStep[] {
    return [...this.#msByName].map(([name, ms]) => ({ name, ms: toMicroseconds(ms) }));
  }

  async time<T>(name: PublishStep['name'], run: () => T | Promise<T>): Promise<T> {
    this.#onProgress({ step: name });
    const start = performance.now();
    const value = await run();
    const ms = (this.#msByName.get(name) ?? 0) + performance.now() - start;
    this.#msByName.set(name, ms);
    this.#onProgress({ step: name, ms: toMicroseconds(ms) });
    return value;
  }
}

/** Finer digits are noise. */
export function toMicroseconds(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
