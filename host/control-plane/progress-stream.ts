/**
 * Work that takes long, as it goes on, one JSON object a line (NDJSON): `{"progress":...}` as often as it has something to tell, and at
 * the end its outcome, or `{"problem":{...}}`.
 *
 * Invariants:
 *  1. The last line is the outcome, and there is one in every stream that its reader has read to the end.
 *  2. Work goes on when its reader has gone: it is not broken off half-way, and what it needs is removed behind it.
 *  3. What waits for a slow reader is what one piece of work tells, which is bounded: two lines a step of a publish, ten a second of a
 *     backup.
 */
import { toProblemDetails } from '../errors.ts';
import { expectedError } from './problem.ts';

/** Whether the answer is to be lines: only for whoever names the type, which no `*` does. */
export function wantsLines(accept: string | undefined, mediaType: string): boolean {
  return (accept ?? '').split(',').some((range) => range.split(';')[0]!.trim().toLowerCase() === mediaType);
}

/**
 * @param work says what it is at, and gives the last line
 * @param report for the operator: what fails without being expected to
 */
export function progressStream<Progress, Outcome>(
  work: (onProgress: (progress: Progress) => void) => Promise<Outcome>,
  report: (error: unknown) => void,
): ReadableStream<Uint8Array> {
  let isRead = true;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      const tell = (event: unknown): void => {
        if (isRead) controller.enqueue(Buffer.from(`${JSON.stringify(event)}\n`));
      };
      const fail = (error: unknown): void => {
        const expected = expectedError(error);
        if (expected === undefined) report(error);
        tell({ problem: toProblemDetails(expected ?? error) });
      };
      work((progress) => tell({ progress }))
        .then(tell, fail)
        .finally(() => {
          if (isRead) controller.close();
        });
    },
    cancel() {
      isRead = false;
    },
  });
}
