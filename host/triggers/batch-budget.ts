/**
 * Bounds the memory that batches in work take in the main thread, over all consumers of the host. A claim reserves what it may bring, and
 * gives back what it did not.
 *
 * 1. Reserved bytes never exceed the total, nor those of a tenant its share: one tenant's large messages leave room for others.
 * 2. Who waits is served in the order of coming, but for tenants that are at their share.
 */
import type { TenantName } from '../model/ids.ts';

export interface BudgetBounds {
  readonly totalBytes: number;
  readonly tenantBytes: number;
}

export interface Reservation extends Disposable {
  /** Gives back all but so many bytes. */
  shrink(bytes: number): void;
  /** Hands so many of its bytes, at most all, over to one of its own. */
  split(bytes: number): Reservation;
}

interface Waiting {
  readonly tenant: TenantName;
  readonly bytes: number;
  readonly grant: (reservation: Reservation) => void;
}

export class BatchBudget {
  readonly #bounds: BudgetBounds;
  readonly #tenants = new Map<TenantName, number>();
  readonly #waiting = new Set<Waiting>();
  #reservedBytes = 0;

  constructor(bounds: BudgetBounds) {
    this.#bounds = bounds;
  }

  get reservedBytes(): number {
    return this.#reservedBytes;
  }

  /** At once where there is room and nobody waits for it. */
  reserve(tenant: TenantName, bytes: number): Reservation | Promise<Reservation> {
    if (bytes > this.#bounds.tenantBytes || bytes > this.#bounds.totalBytes)
      throw new RangeError(`${bytes} bytes will never be free`);
    if (this.#waiting.size === 0 && this.#fits(tenant, bytes)) return this.#take(tenant, bytes);
    return new Promise((grant) => {
      this.#waiting.add({ tenant, bytes, grant });
      this.#serve();
    });
  }

  #fits(tenant: TenantName, bytes: number): boolean {
    const { totalBytes, tenantBytes } = this.#bounds;
    const ofTenant = this.#tenants.get(tenant) ?? 0;
    return this.#reservedBytes + bytes <= totalBytes && ofTenant + bytes <= tenantBytes;
  }

  #take(tenant: TenantName, bytes: number): Reservation {
    this.#add(tenant, bytes);
    return this.#reservation(tenant, bytes);
  }

  #reservation(tenant: TenantName, bytes: number): Reservation {
    let held = bytes;
    const shrink = (to: number): void => {
      if (to >= held) return;
      this.#add(tenant, to - held);
      held = to;
      this.#serve();
    };
    const split = (wanted: number): Reservation => {
      const part = Math.min(wanted, held);
      held -= part;
      return this.#reservation(tenant, part);
    };
    return { shrink, split, [Symbol.dispose]: () => shrink(0) };
  }

  #add(tenant: TenantName, bytes: number): void {
    this.#reservedBytes += bytes;
    const left = (this.#tenants.get(tenant) ?? 0) + bytes;
    if (left === 0) this.#tenants.delete(tenant);
    else this.#tenants.set(tenant, left);
  }

  #serve(): void {
    for (const waiting of this.#waiting) {
      const { tenant, bytes, grant } = waiting;
      if (this.#fits(tenant, bytes)) {
        this.#waiting.delete(waiting);
        grant(this.#take(tenant, bytes));
      } else if (this.#reservedBytes + bytes > this.#bounds.totalBytes) return;
    }
  }
}
