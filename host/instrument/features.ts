/** Proposals that a module makes use of, by the names that toolchains know them by, and their bits in a set. */
const FEATURE_BITS = {
  'sign-extension': 1 << 0,
  'saturating-float-to-int': 1 << 1,
  'multi-value': 1 << 2,
  'bulk-memory': 1 << 3,
  'reference-types': 1 << 4,
  simd: 1 << 5,
  'multi-memory': 1 << 6,
  'tail-call': 1 << 7,
  'legacy-exceptions': 1 << 8,
  exceptions: 1 << 9,
  'extended-const': 1 << 10,
  memory64: 1 << 11,
  'function-references': 1 << 12,
  gc: 1 << 13,
} as const;

export type FeatureName = keyof typeof FEATURE_BITS;

/** A set of features; adding costs one operation, since the decoder's loop does it. */
export class FeatureSet {
  #bits = 0;

  add(name: FeatureName): void {
    this.#bits |= FEATURE_BITS[name];
  }

  /** Adds those whose bits are set. */
  addBits(bits: number): void {
    this.#bits |= bits;
  }

  names(): readonly FeatureName[] {
    return (Object.keys(FEATURE_BITS) as FeatureName[]).filter((name) => this.#bits & FEATURE_BITS[name]);
  }
}
