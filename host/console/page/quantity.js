/** Numbers as a person reads them, always with their unit. */

const PLAIN = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const SHORT = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** @param {number} value */
export const count = (value) => (Math.abs(value) < 10_000 ? PLAIN.format(value) : SHORT.format(value));

/** @param {number} value executed instructions, as the cost model counts them */
export const fuel = (value) => `${count(value)} fuel`;

/** @param {number} kibMs as the ledger has it */
export const gibibyteSeconds = (kibMs) => `${significant(toGibibyteSeconds(kibMs))} GiB-s`;

/** As the price list counts. @param {number} kibMs */
export const toGibibyteSeconds = (kibMs) => kibMs / 2 ** 20 / 1_000;

/** @param {number} value */
export function bytes(value) {
  for (const [unit, size] of /** @type {const} */ ([
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ])) {
    if (value >= size) return `${significant(value / size)} ${unit}`;
  }
  return `${PLAIN.format(value)} B`;
}

/** @param {number} us microseconds */
export function duration(us) {
  if (us >= 1_000_000) return `${significant(us / 1_000_000)} s`;
  if (us >= 1_000) return `${significant(us / 1_000)} ms`;
  return `${significant(us)} µs`;
}

/** @param {number} perSecond */
export const rate = (perSecond) => `${significant(perSecond)} /s`;

/**
 * Money stays the text that the API gave: a number would not be exact.
 * @param {string} amount
 * @param {string} currency
 */
export const money = (amount, currency) => `${amount} ${currency}`;

/** @param {number} value three digits, and no exponent */
export function significant(value) {
  if (value === 0) return '0';
  if (value < 0.001) return '< 0.001';
  return new Intl.NumberFormat('en', { maximumSignificantDigits: 3, useGrouping: true }).format(value);
}

/**
 * @param {number} part
 * @param {number} whole
 */
export const share = (part, whole) => (whole === 0 ? '0 %' : `${significant((100 * part) / whole)} %`);
