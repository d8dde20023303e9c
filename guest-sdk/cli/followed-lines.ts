/** What a host tells of work that takes long, line by line (NDJSON), when it is asked to. */
import { createInterface } from 'node:readline';
import type { ProblemDetails } from '../../host/errors.ts';
import { type ClientResponse, describeProblem } from './client.ts';
import { CliError, exitOf } from './exit-code.ts';

export const LINES = 'application/x-ndjson';

export function hasLines({ headers }: ClientResponse): boolean {
  return String(headers['content-type'] ?? '').startsWith(LINES);
}

/**
 * Events up to the outcome.
 * @throws {CliError} for a problem among them
 */
export async function* followedLines<Event extends object>(
  response: ClientResponse,
): AsyncGenerator<Exclude<Event, { readonly problem: unknown }>> {
  for await (const line of createInterface({ input: response.body, crlfDelay: Number.POSITIVE_INFINITY })) {
    const event = JSON.parse(line) as Event;
    if ('problem' in event) {
      const problem = event.problem as ProblemDetails;
      throw new CliError(exitOf(problem), describeProblem(problem), { problem });
    }
    yield event as Exclude<Event, { readonly problem: unknown }>;
  }
}
