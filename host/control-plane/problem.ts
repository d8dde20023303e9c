/** Every error of the control plane as problem details (RFC 9457). */
import { HTTPException } from 'hono/http-exception';
import { MayflyError, retryFields, toProblemDetails } from '../errors/errors.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** A response for anything thrown; what is not a MayflyError tells its reader nothing but `internal_error`. */
export function problemResponse(error: unknown, headers: Readonly<Record<string, string>> = {}): Response {
  const problem = toProblemDetails(error);
  return new Response(JSON.stringify(problem), {
    status: problem.status,
    headers: {
      'content-type': PROBLEM_MEDIA_TYPE,
      'cache-control': 'no-store',
      // RFC 9110 section 11.6.1 wants the challenge with every 401.
      ...(problem.status === 401 ? { 'www-authenticate': 'Bearer realm="mayfly"' } : {}),
      ...(problem.status === 429 || problem.status === 503 ? Object.fromEntries(retryFields(error)) : {}),
      ...headers,
    },
  });
}

/** Hono's own exceptions in our terms: its body parser and media type check throw them. */
export function fromHttpException(exception: HTTPException): MayflyError | undefined {
  switch (exception.status) {
    case 400:
      return new MayflyError('invalid_request', 'The body is not valid JSON.', { field: 'body' });
    case 415:
      return new MayflyError('unsupported_media_type', 'This route takes `Content-Type: application/json`.', {
        field: 'content-type',
      });
    default:
      return undefined;
  }
}

/** What a thrown value is in our terms; undefined when it is unexpected and belongs into the host's log. */
export function expectedError(error: unknown): MayflyError | undefined {
  if (error instanceof MayflyError) return error;
  return error instanceof HTTPException ? fromHttpException(error) : undefined;
}
