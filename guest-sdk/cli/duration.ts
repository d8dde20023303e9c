import { CliError } from './exit-code.ts';

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

/**
 * `90d`, `12h`, `30m`, `45s`: seconds.
 * @throws {CliError} `usage`
 */
export function parseDurationSeconds(text: string): number {
  const [, digits = '', unit = ''] = /^([0-9]{1,9})([smhd])$/.exec(text.trim()) ?? [];
  const seconds = SECONDS[unit];
  if (seconds === undefined)
    throw new CliError(
      'usage',
      `${JSON.stringify(text)} is not a length of time, such as 90d, 12h, 30m or 45s`,
    );
  return Number(digits) * seconds;
}
