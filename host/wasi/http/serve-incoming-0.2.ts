import { MayflyError } from '../../errors/errors.ts';
import type { HttpExchange, WasiContext } from '../context.ts';
import type { BodySink } from './body-sink.ts';
import { IncomingRequest } from './incoming-request-0.2.ts';
import { ResponseOutparam, ResponseSlot } from './response-outparam-0.2.ts';

/** The export `wasi:http/incoming-handler#handle` (WASI 0.2). */
export type IncomingHandler = (request: IncomingRequest, responseOut: ResponseOutparam) => unknown;

/**
 * Answers one exchange with a 0.2 guest. Resolves when the guest has returned and everything that it wrote has
 * been handed to the response's sink; a 0.2 guest cannot write after it has returned.
 *
 * Rejects with what the export throws (a trap), or with `no_response`, `function_failed` (an error-code in the
 * outparam), `response_invalid` (a body that was not finished), `response_headers_too_large`. A response that
 * has begun by then is broken off.
 */
export async function serveIncoming(
  handle: IncomingHandler,
  exchange: HttpExchange,
  context: WasiContext,
): Promise<void> {
  const slot = new ResponseSlot(exchange, context);
  const request = IncomingRequest.of(exchange, context);
  try {
    await handle(request, ResponseOutparam.of(slot));
  } catch (error) {
    const { state } = slot;
    if (state.kind === 'responded') state.body?.abort(error instanceof Error ? error : new Error('trap'));
    throw state.kind === 'failed' ? state.error : error;
  }
  const { state } = slot;
  switch (state.kind) {
    case 'unset':
      throw new MayflyError('no_response', 'The function returned without setting the response-outparam.');
    case 'failed':
      throw state.error;
    case 'responded':
      return state.body === undefined ? undefined : finished(state.body);
  }
}

function finished(body: BodySink): undefined | Promise<void> {
  // Made only where it is needed: an error takes the stack along.
  if (!body.hasEnding) {
    body.abort(
      new MayflyError('response_invalid', 'The function returned before finishing the response body.'),
    );
  }
  if (!body.isSettled) return body.settled().then(() => assertWhole(body));
  assertWhole(body);
  return undefined;
}

function assertWhole({ failure }: BodySink): void {
  if (failure instanceof MayflyError) throw failure;
  if (failure !== undefined) throw new MayflyError('response_invalid', failure.message, { cause: failure });
}
