import { MayflyError } from '../../errors/errors.ts';
import type { HttpExchange, WasiContext } from '../context.ts';
import type { EndFlag } from '../ending.ts';
import { drainIntoSink } from '../io/async-streams.ts';
import { never } from '../io/poll.ts';
import { BodySink } from './body-sink.ts';
import { describeErrorCode, type HttpErrorCode, OutboundError } from './error-code.ts';
import { FieldMap } from './fields.ts';
import { Request } from './request-0.3.ts';
import { Response } from './response-0.3.ts';

/** The export `wasi:http/handler#handle` (WASI 0.3): rejects with the error-code, as it is or as a `payload`. */
export type Handler = (request: Request) => Promise<unknown>;

/**
 * Answers one exchange with a 0.3 guest. The guest goes on running after `handle` has returned: its response
 * is a stream, which is moved to the sink here, as fast as the sink takes it. Resolves once body and trailers
 * are in the sink.
 *
 * Rejects with what the export throws (a trap), or with `function_failed` (an error-code instead of a response
 * or of trailers), `no_response`, `response_invalid` (not as long as `content-length` says),
 * `response_headers_too_large`. A response that has begun by then is broken off.
 */
export async function serveHandler(
  handle: Handler,
  exchange: HttpExchange,
  context: WasiContext,
): Promise<void> {
  const response = await call(handle, Request.incoming(exchange, context));
  const { headers, body } = Response.partsOf(response);
  try {
    await deliver(response, exchange, context.end);
  } catch (error) {
    body.complete(error);
    throw toFailure(error);
  }
  body.complete();

  async function deliver(answer: Response, { method }: HttpExchange, end: EndFlag): Promise<void> {
    const declared = FieldMap.contentLength(headers);
    if (declared === 'invalid')
      throw new MayflyError('response_invalid', 'The response has an invalid content-length.');
    const status = answer.getStatusCode();
    const sink = exchange.respond(status, FieldMap.toList(headers));
    const bodySink = new BodySink('response', declared);
    bodySink.attach({ sink, sendTrailers: (trailers) => exchange.sendTrailers(trailers) });
    const { whole, stream, trailers } = body.send();
    try {
      if (whole !== undefined && whole.length <= bodySink.checkWrite()) {
        if (whole.length > 0) bodySink.write(whole);
      } else if (stream !== undefined) {
        const ended = await drainIntoSink(stream, bodySink, end);
        if (ended !== undefined) throw ended.error;
      }
      // A body that is longer than declared was broken off by the sink.
      if (bodySink.failure !== undefined) throw bodySink.failure;
      const known = trailers();
      const list = known instanceof Promise ? await known : known;
      if (end.aborted) await never();
      const mayBeEmpty = method === 'HEAD' || status === 304;
      if (bodySink.isShort && !(mayBeEmpty && bodySink.writtenBytes === 0)) throw bodySink.sizeError();
      bodySink.end(list);
    } catch (error) {
      bodySink.abort(
        error instanceof Error ? error : new Error('the response body failed', { cause: error }),
      );
      throw error;
    }
    if (!bodySink.isSettled) await bodySink.settled();
  }
}

async function call(handle: Handler, request: Request): Promise<Response> {
  let response: unknown;
  try {
    response = await handle(request);
  } catch (error) {
    // jco throws the `err` value itself, a linked component an object with it as `payload`; a trap is an Error.
    const code = error instanceof Object && 'payload' in error ? error.payload : error;
    if (isErrorCode(code)) throw failed(code);
    throw error;
  }
  if (response instanceof Response) return response;
  throw new MayflyError('no_response', 'The function returned no response.');
}

function isErrorCode(error: unknown): error is HttpErrorCode {
  return typeof error === 'object' && error !== null && !(error instanceof Error) && 'tag' in error;
}

function failed(code: HttpErrorCode): MayflyError {
  return new MayflyError(
    'function_failed',
    `The function answered with the wasi:http error-code ${describeErrorCode(code)}.`,
  );
}

/** A body of the wrong length is invalid HTTP; an error-code in the trailers is the function's own answer. */
function toFailure(error: unknown): unknown {
  if (!(error instanceof OutboundError)) return error;
  return error.payload.tag === 'HTTP-response-body-size'
    ? new MayflyError('response_invalid', error.message, { cause: error })
    : failed(error.payload);
}
