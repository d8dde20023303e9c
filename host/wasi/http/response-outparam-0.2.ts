import { MayflyError } from '../../errors/errors.ts';
import type { HttpExchange, WasiContext } from '../context.ts';
import { ResultError } from '../io/result-error.ts';
import type { BodySink } from './body-sink.ts';
import { describeErrorCode, type HttpErrorCode, internalError } from './error-code.ts';
import { FieldMap } from './fields.ts';
import type { Fields } from './fields-0.2.ts';
import { OutgoingBody } from './outgoing-body-0.2.ts';
import { OutgoingResponse } from './outgoing-response-0.2.ts';

/** What the guest has made of its `response-outparam`. */
export type ResponseState =
  | { readonly kind: 'unset' }
  | { readonly kind: 'responded'; readonly body: BodySink | undefined }
  | { readonly kind: 'failed'; readonly error: MayflyError };

/** The answer to one request, shared by the guest's resource and the host that waits for it. */
export class ResponseSlot {
  readonly #exchange: HttpExchange;
  readonly #context: WasiContext;
  #state: ResponseState = { kind: 'unset' };

  constructor(exchange: HttpExchange, context: WasiContext) {
    this.#exchange = exchange;
    this.#context = context;
  }

  get state(): ResponseState {
    return this.#state;
  }

  /** Throws what ends the invocation if status or headers cannot be sent. */
  respond(response: OutgoingResponse): void {
    const { headers, body } = OutgoingResponse.partsOf(response);
    const status = response.statusCode();
    try {
      if (FieldMap.contentLength(headers) === 'invalid') {
        throw new MayflyError('response_invalid', 'The response has an invalid content-length.');
      }
      const sink = this.#exchange.respond(status, FieldMap.toList(headers));
      this.#state = { kind: 'responded', body: body === undefined ? undefined : OutgoingBody.sinkOf(body) };
      if (body === undefined) sink.end();
      else this.#attach(body, status, sink);
    } catch (error) {
      if (!(error instanceof MayflyError)) throw error;
      this.#state = { kind: 'failed', error };
      throw this.#context.terminate(error.code, error.message);
    }
  }

  fail(code: HttpErrorCode): void {
    const detail = `The function answered with the wasi:http error-code ${describeErrorCode(code)}.`;
    this.#state = { kind: 'failed', error: new MayflyError('function_failed', detail) };
  }

  #attach(body: OutgoingBody, status: number, sink: ReturnType<HttpExchange['respond']>): void {
    if (status === 304 || this.#exchange.method === 'HEAD') OutgoingBody.allowEmpty(body);
    const sendTrailers: HttpExchange['sendTrailers'] = (trailers) => this.#exchange.sendTrailers(trailers);
    OutgoingBody.sinkOf(body).attach({ sink, sendTrailers });
  }
}

type ResponseResult =
  | { readonly tag: 'ok'; readonly val: OutgoingResponse }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/** Resource `wasi:http/types#response-outparam` (WASI 0.2). */
export class ResponseOutparam {
  readonly #slot: ResponseSlot;

  private constructor(slot: ResponseSlot) {
    this.#slot = slot;
  }

  static of(slot: ResponseSlot): ResponseOutparam {
    return new ResponseOutparam(slot);
  }

  static set(param: ResponseOutparam, response: ResponseResult): void {
    if (response.tag === 'ok') param.#slot.respond(response.val);
    else param.#slot.fail(response.val);
  }

  /** Unstable in 0.2 and optional: `HttpExchange` has no informational responses. */
  sendInformational(_status: number, _headers: Fields): void {
    throw new ResultError(internalError('informational responses are not supported'));
  }
}
