export interface ManyOptions {
  readonly count: number;
  /** Of them under way at a time. */
  readonly parallel: number;
  /** None is begun after this long. */
  readonly mostMs?: number;
  /** Hears how many are done, after each. */
  readonly onDone?: (done: number) => void;
}

/** Calls `work` with 0 to count - 1, in order. Gives how many there was time for: all, if the last one was. */
export async function forEachIndex(
  { count, parallel, mostMs = Number.POSITIVE_INFINITY, onDone }: ManyOptions,
  work: (index: number) => Promise<void>,
): Promise<number> {
  const lastMs = performance.now() + mostMs;
  let next = 0;
  let done = 0;
  const lane = async (): Promise<void> => {
    while (next < count && performance.now() < lastMs) {
      await work(next++);
      onDone?.(++done);
    }
  };
  await Promise.all(Array.from({ length: parallel }, lane));
  return done;
}
