/**
 * Who runs next on a thread: deficit round robin (Shreedhar and Varghese, 1995) over tenants by weight, first in
 * first out among a tenant's guests.
 *
 * A guest that has used a slice of fuel is parked here. Each turn of the event loop resumes one guest, so that
 * timers and sockets are served between any two slices.
 *
 * 1. Of tenants that always have a parked guest, each gets fuel in proportion to its weight, to within one slice
 *    per tenant, whatever its slices cost and however many guests it has.
 * 2. A tenant that has nothing parked keeps no credit: it cannot save up turns to take them in a row.
 * 3. A guest that is parked is resumed after at most one slice of every other guest of its tenant and, per such
 *    slice, one round over the tenants.
 */

export interface RunQueuePorts {
  /** Calls back in a later turn of the event loop, after I/O had its chance. */
  readonly nextTurn: (callback: () => void) => void;
  /** Share of a tenant, relative to others; 1 where absent. */
  readonly weightOf?: (tenant: string) => number;
  /** Fuel that a weight of 1 earns per round. */
  readonly quantum: number;
}

/** A weight of nothing would never be served, and looking for credit would never end. */
const MIN_WEIGHT = 0.01;

interface Share {
  readonly tenant: string;
  readonly parked: (() => void)[];
  /** Fuel it may still use in this round; negative after a slice that cost more than it had. */
  credit: number;
}

export class RunQueue {
  readonly #ports: RunQueuePorts;
  /** Tenants with parked guests, in the order of their turns. The first one is being served. */
  readonly #round: Share[] = [];
  readonly #shares = new Map<string, Share>();
  #turnIsComing = false;

  constructor(ports: RunQueuePorts) {
    this.#ports = ports;
  }

  /** Guests that wait for their turn. */
  get parked(): number {
    return this.#round.reduce((sum, share) => sum + share.parked.length, 0);
  }

  /**
   * Parks a guest that has just used `fuel`; resolves when it is its turn again.
   *
   * @param fuel what the guest used since it was last resumed
   */
  park(tenant: string, fuel: number): Promise<void> {
    const share = this.#shareOf(tenant);
    share.credit -= fuel;
    this.#schedule();
    return new Promise((resolve) => {
      share.parked.push(resolve);
    });
  }

  #shareOf(tenant: string): Share {
    let share = this.#shares.get(tenant);
    if (share === undefined) {
      share = { tenant, parked: [], credit: 0 };
      this.#shares.set(tenant, share);
      this.#round.push(share);
    }
    return share;
  }

  #schedule(): void {
    if (this.#turnIsComing) return;
    this.#turnIsComing = true;
    this.#ports.nextTurn(() => {
      this.#turnIsComing = false;
      this.#resumeOne();
      if (this.#round.length > 0) this.#schedule();
    });
  }

  #resumeOne(): void {
    for (;;) {
      const share = this.#round[0];
      if (share === undefined) return;
      if (share.parked.length === 0) {
        // Its guest is running its slice right now, or was the last one and has ended (invariant 2).
        this.#round.shift();
        this.#shares.delete(share.tenant);
        continue;
      }
      if (share.credit > 0) {
        share.parked.shift()?.();
        return;
      }
      share.credit += this.#ports.quantum * Math.max(MIN_WEIGHT, this.#ports.weightOf?.(share.tenant) ?? 1);
      this.#round.shift();
      this.#round.push(share);
    }
  }
}
