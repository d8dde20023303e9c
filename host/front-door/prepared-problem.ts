/**
 * Problem details as text. A refusal that says the same as the one before is the same error (gate.ts): its text is written
 * once, and a caller who is refused a thousand times a second costs no thousand of them.
 */
import { MayflyError, retryFields, toProblemDetails } from '../errors/errors.ts';

export interface PreparedProblem {
  readonly status: number;
  /** Flat: names and values. */
  readonly fields: readonly string[];
  readonly body: string;
  readonly bodyBytes: number;
}

const prepared = new WeakMap<MayflyError, PreparedProblem>();

export function preparedProblem(error: unknown): PreparedProblem {
  // Only these are thrown more than once.
  if (!(error instanceof MayflyError) || error.quota === undefined) return prepare(error);
  let problem = prepared.get(error);
  if (problem === undefined) {
    problem = prepare(error);
    prepared.set(error, problem);
  }
  return problem;
}

/** The body with the invocation that it is about. */
export function withInstance({ body, bodyBytes }: PreparedProblem, instance: string) {
  // A URN of the host's own making: it has no character that JSON would escape, nor any beyond ASCII.
  const member = `,"instance":"${instance}"}`;
  return { body: body.slice(0, -1) + member, bodyBytes: bodyBytes - 1 + member.length };
}

function prepare(error: unknown): PreparedProblem {
  const problem = toProblemDetails(error);
  const body = JSON.stringify(problem);
  const fields = ['content-type', 'application/problem+json', ...retryFields(error).flat()];
  // RFC 9110, section 11.6.1, wants the challenge with every 401.
  if (problem.status === 401) fields.push('www-authenticate', 'Bearer realm="mayfly"');
  return { status: problem.status, fields, body, bodyBytes: Buffer.byteLength(body) };
}
