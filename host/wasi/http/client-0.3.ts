import type { WasiContext } from '../context.ts';
import { never } from '../io/poll.ts';
import { ResultError } from '../io/result-error.ts';
import { toHttpErrorCode } from './error-code.ts';
import { Request } from './request-0.3.ts';
import { Response } from './response-0.3.ts';

/**
 * `wasi:http/client#send` (WASI 0.3, async). Rejects with the error-code as `ResultError`; never settles once
 * the invocation is over.
 */
export async function sendRequest(context: WasiContext, request: Request): Promise<Response> {
  const body = Request.bodyOf(request);
  try {
    const outbound = Request.toOutbound(request);
    const response = await context.outbound.send(outbound, context.signal);
    if (context.end.aborted) return await never();
    // With contents, the request is complete when they and the trailers are: the body says so itself.
    if (outbound.body === undefined) body.complete();
    return Response.incoming(response, context);
  } catch (error) {
    body.complete(error);
    throw new ResultError(toHttpErrorCode(error));
  }
}
