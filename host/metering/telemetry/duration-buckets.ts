/** From a small guest's 50 µs to the longest invocation that is common; half a decade each, in seconds. */
export const DURATION_BOUNDS = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30] as const;

/** Which bucket a duration falls into; `DURATION_BOUNDS.length` above all bounds. */
export function durationBucket(micros: number): number {
  const seconds = micros / 1e6;
  let at = 0;
  while (at < DURATION_BOUNDS.length && seconds > DURATION_BOUNDS[at]!) at++;
  return at;
}
