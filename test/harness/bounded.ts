/** Waits that end: with an error that says what was waited for, instead of a run that hangs and tells nothing. */
import { betweenLooks } from './between-looks.ts';

/** What takes seconds at most takes no minute on a busy machine, either. */
export const PATIENCE_MS = 60_000;

/** @param otherwise what is so instead, such as `the queue is not empty` */
export async function within<T>(work: Promise<T>, boundMs: number, otherwise: () => string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`after ${boundMs} ms ${otherwise()}`)), boundMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Looks again and again, until it is so. */
export async function until(
  look: () => Promise<boolean>,
  otherwise: () => string,
  boundMs: number = PATIENCE_MS,
): Promise<void> {
  let isOver = false;
  const looking = async (): Promise<void> => {
    while (!isOver && !(await look())) await betweenLooks();
  };
  try {
    await within(looking(), boundMs, otherwise);
  } finally {
    isOver = true;
  }
}
