import { MayflyError } from '../../errors/errors.ts';
import { OutputStream } from '../io/output-stream.ts';
import { ResultError } from '../io/result-error.ts';
import { BodySink } from './body-sink.ts';
import { type HttpErrorCode, internalError, OutboundError } from './error-code.ts';
import { FieldMap } from './fields.ts';
import type { Fields } from './fields-0.2.ts';

/**
 * Resource `wasi:http/types#outgoing-body` (WASI 0.2). Dropped without `finish`, the message is incomplete and
 * its receiver is shown so: the response is broken off, the request's connection closed.
 */
export class OutgoingBody {
  readonly #kind: 'request' | 'response';
  readonly #sink: BodySink;
  #isWriteTaken = false;
  #mayBeEmpty = false;

  private constructor(kind: 'request' | 'response', sink: BodySink) {
    this.#kind = kind;
    this.#sink = sink;
  }

  static of(kind: 'request' | 'response', headers: FieldMap): OutgoingBody {
    const declared = FieldMap.contentLength(headers);
    return new OutgoingBody(kind, new BodySink(kind, declared === 'invalid' ? undefined : declared));
  }

  static sinkOf(body: OutgoingBody): BodySink {
    return body.#sink;
  }

  /** The answer to HEAD, and 304, declare the length of a body that they do not have. */
  static allowEmpty(body: OutgoingBody): void {
    body.#mayBeEmpty = true;
  }

  write(): OutputStream {
    if (this.#isWriteTaken) throw new ResultError(undefined);
    this.#isWriteTaken = true;
    return OutputStream.from(this.#sink);
  }

  /** Throws `HTTP-request-body-size` or `HTTP-response-body-size` if less than `content-length` was written. */
  static finish(body: OutgoingBody, trailers: Fields | undefined): void {
    const sink = body.#sink;
    const list = trailers === undefined ? [] : FieldMap.toList(trailers);
    if (sink.isShort && !(body.#mayBeEmpty && sink.writtenBytes === 0)) throw body.#broken(sink.sizeError());
    if (body.#kind === 'request' && list.length > 0) {
      // undici cannot send them; to leave them out would be a different message.
      throw body.#broken(new OutboundError(internalError('request trailers are not supported')));
    }
    sink.end(list);
  }

  [Symbol.dispose](): void {
    this.#sink.abort(
      this.#kind === 'request'
        ? new OutboundError(internalError('the request body was dropped unfinished'))
        : new MayflyError('response_invalid', 'The function dropped the response body before finishing it.'),
    );
  }

  #broken(error: OutboundError): ResultError<HttpErrorCode> {
    this.#sink.abort(error);
    return new ResultError(error.payload);
  }
}
