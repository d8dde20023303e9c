/**
 * How fast a thread tells a tenant that it is over its quota. A refusal costs two thirds of a small call, nearly all of it HTTP: a tenant that asks
 * for a hundred times its quota would fill the thread with being refused. So refusals beyond a pace are told later,
 * and whoever waits for an answer before asking again asks no faster than that. Others are not slowed down by it.
 *
 * 1. The state of a tenant is one number, and is forgotten once the tenant has kept quiet.
 * 2. No refusal is told later than `maxDelayMs`; no more than `maxHeld` are held back, and those beyond are told at once,
 *    because each of them holds a connection.
 */
import { type Rate, taken, waitMs } from './rate.ts';

export interface RefusalPaceOptions {
  /** Of each tenant. */
  readonly rate: Rate;
  readonly maxDelayMs: number;
  readonly maxHeld: number;
  monotonicMs(): number;
}

/** Tenants that are remembered before those are looked for that need not be. */
const SWEEP_AT = 1_000;

export class RefusalPace {
  readonly #options: RefusalPaceOptions;
  readonly #fullAtMs = new Map<string, number>();
  #held = 0;

  constructor(options: RefusalPaceOptions) {
    this.#options = options;
  }

  /** How long to hold this refusal back; 0 for at once. Whoever holds it says so with {@link hold} and {@link release}. */
  delayMs(tenant: string): number {
    const { rate, maxDelayMs, maxHeld, monotonicMs } = this.#options;
    const nowMs = monotonicMs();
    const fullAtMs = this.#fullAtMs.get(tenant) ?? 0;
    const delayMs = Math.min(maxDelayMs, waitMs(rate, fullAtMs, nowMs, 1));
    // Those that are at the end of the line do not make it longer.
    if (delayMs < maxDelayMs) this.#fullAtMs.set(tenant, taken(rate, fullAtMs, nowMs, 1));
    if (this.#fullAtMs.size > SWEEP_AT) this.#sweep(nowMs);
    return this.#held < maxHeld ? delayMs : 0;
  }

  hold(): void {
    this.#held++;
  }

  release(): void {
    this.#held--;
  }

  #sweep(nowMs: number): void {
    for (const [tenant, fullAtMs] of this.#fullAtMs) {
      if (fullAtMs <= nowMs) this.#fullAtMs.delete(tenant);
    }
  }
}
