import { CliError } from './exit-code.ts';

/** Units that a setting may be given in, as multiples of its own. */
const BYTES: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
};
const MILLISECONDS: Readonly<Record<string, number>> = { '': 1, ms: 1, s: 1000, m: 60_000, min: 60_000 };
const COUNTS: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };

export type Unit = 'By' | 'ms' | '1' | 'fuel';

/**
 * `64MiB`, `2.5s`, `10G`: a whole number in the setting's own unit.
 * @throws {CliError} `usage`
 */
export function parseQuantity(text: string, unit: Unit): number {
  const scale = unit === 'By' ? BYTES : unit === 'ms' ? MILLISECONDS : COUNTS;
  const [, digits = '', suffix = ''] =
    /^([0-9][0-9_]*(?:\.[0-9]+)?(?:e[0-9]+)?)\s*([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = scale[suffix.toLowerCase()];
  const value =
    digits === '' || factor === undefined ? Number.NaN : Number(digits.replaceAll('_', '')) * factor;
  if (!Number.isSafeInteger(value)) {
    const units = Object.keys(scale).filter((name) => name !== '');
    throw new CliError(
      'usage',
      `${JSON.stringify(text)} is not a whole number, with one of the units ${units.join(', ')} or none`,
    );
  }
  return value;
}
