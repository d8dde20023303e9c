/**
 * Keeps the messages of a claim nobody else's while they are worked on.
 *
 * 1. It is extended when a third of its time has passed, so that two extensions may get lost before it expires.
 * 2. Once the engine says that it has expired, it is lost for good; nothing is extended any more.
 */
import type { Claim } from '../store/queues/queue-engine.ts';
import type { MessageSource, TriggerClock } from './ports.ts';

export class Lease implements Disposable {
  readonly #source: Pick<MessageSource, 'extend'>;
  readonly #clock: TriggerClock;
  readonly #claim: Claim;
  readonly #visibilityMs: number;
  #cancel: () => void;
  #isOver = false;
  #isLost = false;

  constructor(
    { source, clock }: { readonly source: Pick<MessageSource, 'extend'>; readonly clock: TriggerClock },
    claim: Claim,
    visibilityMs: number,
  ) {
    this.#source = source;
    this.#clock = clock;
    this.#claim = claim;
    this.#visibilityMs = visibilityMs;
    this.#cancel = this.#plan();
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#cancel();
  }

  #plan(): () => void {
    return this.#clock.after(Math.max(1, Math.floor(this.#visibilityMs / 3)), () => void this.#extend());
  }

  async #extend(): Promise<void> {
    try {
      this.#isLost = !(await this.#source.extend(this.#claim, this.#visibilityMs));
    } catch {
      // The store is away: whether the lease holds shows when it is back. The consumer says so where it claims.
    }
    if (!this.#isOver && !this.#isLost) this.#cancel = this.#plan();
  }
}
