/**
 * The stages of a request, done for all requests of one turn of the event loop before the next stage begins: heads are read, guests run one
 * after the other, answers are written. (Cohort scheduling: Larus and Parkes, 2002.) What a stage runs is then in the processor's
 * caches, and a caller whose answer is written finds others behind it instead of going to sleep again: with eight callers of a small
 * function a request takes 40 % less of its thread than when it goes from its head to its answer at once (docs/decisions/0040-stages.md).
 *
 * 1. Who begins waits for the heads that have come with its own, and for nobody's guest but those that came before it. Between two that begin
 *    nothing is left to do: the slot of the first is clean again when the second takes one.
 * 2. An answer waits until the next turn at most, and once the first of those that wait has waited for MAX_WAIT_MS, until the next one is ready
 *    or another guest begins, which is a slice later at most.
 * 3. Answers are written in the order in which they became ready.
 * 4. While guests compute there are no stages: a turn has a slice in it then, and a request would wait for two of them.
 */
import type { RunQueuePorts } from '../scheduler/run-queue.ts';

/** Half of what a slice takes: long enough for eight small calls or for two of a JavaScript guest. */
const MAX_WAIT_MS = 0.5;

export interface StagesPorts extends Pick<RunQueuePorts, 'nextTurn'> {
  readonly nowMs: () => number;
  /** Whether guests take turns by slices. */
  readonly isComputing: () => boolean;
}

interface Batch {
  readonly sinceMs: number;
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

export class Stages {
  readonly #ports: StagesPorts;
  /** Answers that wait. */
  #batch: Batch | undefined;
  /** Requests that wait to begin. */
  #beginning = 0;

  constructor(ports: StagesPorts) {
    this.#ports = ports;
  }

  /** Whether a request waits to begin or an answer to be written: a guest that computes meanwhile has one slice, not two. */
  get isHolding(): boolean {
    return this.#beginning > 0 || this.#batch !== undefined;
  }

  /** For a request whose head was read: resolves when it may begin. */
  toBegin(): Promise<void> {
    if (this.#ports.isComputing()) return Promise.resolve();
    this.#beginning++;
    return new Promise((resolve) => {
      this.#ports.nextTurn(() => {
        this.#beginning--;
        const batch = this.#batch;
        if (batch !== undefined) this.#releaseLate(batch, this.#ports.nowMs());
        resolve();
      });
    });
  }

  /** For an answer that is ready while others may follow: resolves when it may be written. */
  toAnswer(): Promise<void> {
    const nowMs = this.#ports.nowMs();
    const batch = this.#batch ?? this.#newBatch(nowMs);
    if (this.#ports.isComputing()) this.#release(batch);
    this.#releaseLate(batch, nowMs);
    return batch.promise;
  }

  #newBatch(sinceMs: number): Batch {
    const { promise, resolve } = Promise.withResolvers<void>();
    const batch = { sinceMs, promise, resolve };
    this.#batch = batch;
    this.#ports.nextTurn(() => this.#release(batch));
    return batch;
  }

  #releaseLate(batch: Batch, nowMs: number): void {
    if (nowMs - batch.sinceMs >= MAX_WAIT_MS) this.#release(batch);
  }

  #release(batch: Batch): void {
    if (this.#batch === batch) this.#batch = undefined;
    batch.resolve();
  }
}
