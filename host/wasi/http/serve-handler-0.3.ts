import { MayflyError } from '../../errors/errors.ts';
import type { HeaderList, HttpExchange, WasiContext } from '../context.ts';
import type { EndFlag } from '../ending.ts';
import { drainIntoSink } from '../io/async-streams.ts';
import { never } from '../io/poll.ts';
import { BodySink } from './body-sink.ts';
import { describeErrorCode, type HttpErrorCode, OutboundError } from './error-code.ts';
import { FieldMap } from './fields.ts';
import { type MessageBody, NO_TRAILERS, type SentBody } from './message-body-0.3.ts';
import { Request } from './request-0.3.ts';
import { Response } from './response-0.3.ts';

/** The export `wasi:http/handler#handle` (WASI 0.3): throws or rejects with the error-code, as it is or as a `payload`. */
export type Handler = (request: Request) => unknown;

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
  const request = Request.incoming(exchange, context);
  let response: unknown;
  try {
    response = await handle(request);
  } catch (error) {
    throw asFailure(error);
  }
  if (!(response instanceof Response))
    throw new MayflyError('no_response', 'The function returned no response.');
  const { headers, body } = Response.partsOf(response);
  try {
    const delivered = deliver(response.getStatusCode(), headers, body, exchange, context.end);
    if (delivered !== undefined) await delivered;
  } catch (error) {
    body.complete(error);
    throw toFailure(error);
  }
  body.complete();
}

/** At once where the body is there, and the sink has room for it. */
function deliver(
  status: number,
  headers: FieldMap,
  body: MessageBody,
  exchange: HttpExchange,
  end: EndFlag,
): undefined | Promise<void> {
  const declared = FieldMap.contentLength(headers);
  if (declared === 'invalid')
    throw new MayflyError('response_invalid', 'The response has an invalid content-length.');
  const mayBeEmpty = exchange.method === 'HEAD' || status === 304;
  const sink = exchange.respond(status, FieldMap.toList(headers));
  const bodySink = new BodySink('response', declared);
  bodySink.attach({ sink, sendTrailers: (trailers) => exchange.sendTrailers(trailers) });
  const sent = body.send();
  try {
    const { whole } = sent;
    if (whole === undefined || whole.length > bodySink.checkWrite())
      return deliverStream(sent, bodySink, mayBeEmpty, end);
    if (whole.length > 0) bodySink.write(whole);
    if (end.aborted) return never();
    finish(bodySink, NO_TRAILERS, mayBeEmpty);
  } catch (error) {
    throw broken(bodySink, error);
  }
  return bodySink.isSettled ? undefined : bodySink.settled();
}

async function deliverStream(
  { stream, trailers }: SentBody,
  bodySink: BodySink,
  mayBeEmpty: boolean,
  end: EndFlag,
): Promise<void> {
  try {
    if (stream !== undefined) {
      const ended = await drainIntoSink(stream, bodySink, end);
      if (ended !== undefined) throw ended.error;
    }
    // A body that is longer than declared was broken off by the sink.
    if (bodySink.failure !== undefined) throw bodySink.failure;
    const list = await trailers();
    if (end.aborted) await never();
    finish(bodySink, list, mayBeEmpty);
  } catch (error) {
    throw broken(bodySink, error);
  }
  if (!bodySink.isSettled) await bodySink.settled();
}

/** @throws what says that the body has another length than it should */
function finish(bodySink: BodySink, trailers: HeaderList, mayBeEmpty: boolean): void {
  if (bodySink.failure !== undefined) throw bodySink.failure;
  if (bodySink.isShort && !(mayBeEmpty && bodySink.writtenBytes === 0)) throw bodySink.sizeError();
  bodySink.end(trailers);
}

/** Breaks the body off; gives what to throw. */
function broken(bodySink: BodySink, error: unknown): unknown {
  bodySink.abort(error instanceof Error ? error : new Error('the response body failed', { cause: error }));
  return error;
}

/** jco throws the `err` value itself, a linked component an object with it as `payload`; a trap is an Error. */
function asFailure(error: unknown): unknown {
  const code = error instanceof Object && 'payload' in error ? error.payload : error;
  return isErrorCode(code) ? failed(code) : error;
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
