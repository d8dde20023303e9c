import type { OutboundResponse, WasiContext } from '../context.ts';
import type { GuestStream } from '../io/async-streams.ts';
import { ResultError } from '../io/result-error.ts';
import { FieldMap } from './fields.ts';
import { Fields } from './fields-0.3.ts';
import { FieldsBudget } from './fields-budget.ts';
import { type Completion, type GuestFuture, MessageBody, type TrailersResult } from './message-body-0.3.ts';

/** Resource `wasi:http/types#response` (WASI 0.3), for both directions. */
export class Response {
  readonly #headers: Fields;
  readonly #body: MessageBody;
  #statusCode = 200;

  private constructor(headers: Fields, body: MessageBody) {
    this.#headers = headers;
    this.#body = body;
  }

  static new(
    headers: Fields,
    contents: GuestStream | undefined,
    trailers: GuestFuture<TrailersResult>,
  ): [Response, Promise<Completion>] {
    FieldMap.freeze(headers);
    const body = MessageBody.fromGuest(contents, trailers);
    return [new Response(headers, body), body.completion];
  }

  /** One with a body that is all there, or none, and no trailers. Throws what `setStatusCode` does. */
  static whole(statusCode: number, headers: Fields, body: Uint8Array | undefined): Response {
    FieldMap.freeze(headers);
    const response = new Response(headers, MessageBody.ofBytes(body));
    response.setStatusCode(statusCode);
    return response;
  }

  /** What came from the outside. */
  static incoming(response: OutboundResponse, context: WasiContext): Response {
    const incoming = new Response(
      Fields.fromWire(response.headers, FieldsBudget.of(context)),
      MessageBody.fromWire(response, context),
    );
    incoming.#statusCode = response.status;
    return incoming;
  }

  getStatusCode(): number {
    return this.#statusCode;
  }

  /** Informational codes are not final ones, and HTTP has none from 1000. */
  setStatusCode(statusCode: number): void {
    if (statusCode < 200 || statusCode > 999) throw new ResultError(undefined);
    this.#statusCode = statusCode;
  }

  getHeaders(): Fields {
    return Fields.viewOf(this.#headers);
  }

  static consumeBody(
    response: Response,
    processed: GuestFuture<Completion>,
  ): ReturnType<MessageBody['consume']> {
    return response.#body.consume(processed);
  }

  static partsOf(response: Response): { readonly headers: Fields; readonly body: MessageBody } {
    return { headers: response.#headers, body: response.#body };
  }

  [Symbol.dispose](): void {
    this.#body.drop();
  }
}
