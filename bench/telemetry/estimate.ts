/** One figure over another, of many pairs that were measured close to one another. */
import { mean } from '../fairness/figures.ts';

export interface Estimate {
  readonly ratio: number;
  /** Standard error, as a share of the ratio. */
  readonly error: number;
}

/**
 * The mean of the middle half, of logarithms: a neighbour that takes the machine for a second spoils a pair and not the figure, and over and under count
 * the same. It needs a quarter fewer pairs than the median for the same error, which is that of a trimmed mean (Tukey and McLaughlin).
 *
 * @param ratios at least 4
 */
export function estimate(ratios: readonly number[]): Estimate {
  const logs = ratios.map(Math.log).toSorted((one, other) => one - other);
  const cut = Math.floor(logs.length / 4);
  const middle = logs.slice(cut, logs.length - cut);
  const [low, high] = [middle[0]!, middle.at(-1)!];
  const drawnIn = logs.map((value) => Math.min(Math.max(value, low), high));
  const centre = mean(drawnIn);
  const variance = mean(drawnIn.map((value) => (value - centre) ** 2)) * (logs.length / (logs.length - 1));
  const kept = middle.length / logs.length;
  return { ratio: Math.exp(mean(middle)), error: Math.sqrt(variance / logs.length) / kept };
}
