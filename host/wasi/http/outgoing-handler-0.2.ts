import type { WasiContext } from '../context.ts';
import { ResultError } from '../io/result-error.ts';
import { toHttpErrorCode } from './error-code.ts';
import { FutureIncomingResponse } from './incoming-response-0.2.ts';
import { OutgoingRequest, type RequestOptions } from './outgoing-request-0.2.ts';

/**
 * `wasi:http/outgoing-handler#handle` (WASI 0.2). Starts the request at once; several run together. What is
 * wrong with the request itself is thrown as its error-code, everything else comes with the future.
 */
export function handleOutgoing(
  context: WasiContext,
  request: OutgoingRequest,
  options: RequestOptions | undefined,
): FutureIncomingResponse {
  try {
    const outbound = OutgoingRequest.toOutbound(request, options);
    return FutureIncomingResponse.of(context.outbound.send(outbound, context.signal), context);
  } catch (error) {
    throw new ResultError(toHttpErrorCode(error));
  }
}
