/**
 * Bounds the series that functions make: whoever comes late is counted under `_other`, which no tenant or function can be called.
 *
 * 1. At most `maxTenants` tenants have names of their own, and of each `perTenant` functions (or queues).
 * 2. A name that was given stays until the host ends: a counter that changed its meaning would look like a reset.
 */
export const OTHER = '_other';

export interface SeriesBounds {
  readonly maxTenants: number;
  /** Functions of a tenant, and queues of it. */
  readonly perTenant: number;
}

export interface SeriesName {
  readonly tenant: string;
  readonly name: string;
  readonly isFolded: boolean;
}

const FOLDED: SeriesName = { tenant: OTHER, name: OTHER, isFolded: true };

export class SeriesNames {
  readonly #bounds: SeriesBounds;
  readonly #tenants = new Map<string, Map<string, SeriesName>>();
  #size = 0;

  constructor(bounds: SeriesBounds) {
    this.#bounds = bounds;
  }

  /** Names that are not `_other`. */
  get size(): number {
    return this.#size;
  }

  /** The same object for the same series. */
  of(tenant: string, name: string): SeriesName {
    let names = this.#tenants.get(tenant);
    if (names === undefined) {
      if (this.#tenants.size >= this.#bounds.maxTenants) return FOLDED;
      names = new Map([[OTHER, { tenant, name: OTHER, isFolded: true }]]);
      this.#tenants.set(tenant, names);
    }
    const known = names.get(name);
    if (known !== undefined) return known;
    // One of them is `_other`.
    if (names.size > this.#bounds.perTenant) return names.get(OTHER)!;
    const made = { tenant, name, isFolded: false };
    names.set(name, made);
    this.#size++;
    return made;
  }
}
