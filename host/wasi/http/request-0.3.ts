import type { HttpExchange, OutboundRequest, WasiContext } from '../context.ts';
import type { GuestStream } from '../io/async-streams.ts';
import { ResultError } from '../io/result-error.ts';
import { OutboundError } from './error-code.ts';
import { FieldMap } from './fields.ts';
import { Fields } from './fields-0.3.ts';
import { FieldsBudget } from './fields-budget.ts';
import { type Completion, type GuestFuture, MessageBody, type TrailersResult } from './message-body-0.3.ts';
import { RequestOptions } from './request-options-0.3.ts';
import * as parts from './request-parts.ts';
import { NO_TIMEOUTS, toOutboundTimeouts } from './timeouts.ts';

/** Resource `wasi:http/types#request` (WASI 0.3), for both directions. */
export class Request {
  /** Of one that came from a wire, made for the first who asks: few guests do. */
  #headers: Fields | (() => Fields);
  readonly #body: MessageBody;
  readonly #options: RequestOptions | undefined;
  #method: parts.Method = parts.GET;
  #scheme: parts.Scheme | undefined;
  #authority: string | undefined;
  #pathWithQuery: string | undefined;

  private constructor(
    headers: Fields | (() => Fields),
    body: MessageBody,
    options: RequestOptions | undefined,
  ) {
    this.#headers = headers;
    this.#body = body;
    this.#options = options;
  }

  static new(
    headers: Fields,
    contents: GuestStream | undefined,
    trailers: GuestFuture<TrailersResult>,
    options: RequestOptions | undefined,
  ): [Request, Promise<Completion>] {
    FieldMap.freeze(headers);
    const body = MessageBody.fromGuest(contents, trailers);
    return [new Request(headers, body, options), body.completion];
  }

  /** The request that a handler gets. */
  static incoming(exchange: HttpExchange, context: WasiContext): Request {
    const request = new Request(
      () => Fields.fromWire(exchange.headers, FieldsBudget.of(context)),
      MessageBody.fromWire(exchange, context),
      undefined,
    );
    request.#method = parts.toMethod(exchange.method);
    request.#scheme = parts.toScheme(exchange.scheme);
    request.#authority = exchange.authority;
    request.#pathWithQuery = exchange.pathWithQuery;
    return request;
  }

  getMethod(): parts.Method {
    return this.#method;
  }

  setMethod(method: parts.Method): void {
    if (!parts.isMethod(method)) throw new ResultError(undefined);
    if (method.tag === 'other') FieldMap.chargeText(this.#fields(), method.val);
    this.#method = method;
  }

  getPathWithQuery(): string | undefined {
    return this.#pathWithQuery;
  }

  setPathWithQuery(pathWithQuery: string | undefined): void {
    if (pathWithQuery !== undefined && !parts.isPathWithQuery(pathWithQuery))
      throw new ResultError(undefined);
    if (pathWithQuery !== undefined) FieldMap.chargeText(this.#fields(), pathWithQuery);
    this.#pathWithQuery = pathWithQuery;
  }

  getScheme(): parts.Scheme | undefined {
    return this.#scheme;
  }

  setScheme(scheme: parts.Scheme | undefined): void {
    if (scheme !== undefined && !parts.isScheme(scheme)) throw new ResultError(undefined);
    if (scheme?.tag === 'other') FieldMap.chargeText(this.#fields(), scheme.val);
    this.#scheme = scheme;
  }

  getAuthority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !parts.isAuthority(authority)) throw new ResultError(undefined);
    if (authority !== undefined) FieldMap.chargeText(this.#fields(), authority);
    this.#authority = authority;
  }

  getOptions(): RequestOptions | undefined {
    return this.#options === undefined ? undefined : RequestOptions.viewOf(this.#options);
  }

  getHeaders(): Fields {
    return Fields.viewOf(this.#fields());
  }

  #fields(): Fields {
    if (typeof this.#headers === 'function') this.#headers = this.#headers();
    return this.#headers;
  }

  static consumeBody(
    request: Request,
    processed: GuestFuture<Completion>,
  ): ReturnType<MessageBody['consume']> {
    return request.#body.consume(processed);
  }

  /** Method and absolute URL, a space between them. */
  static lineOf(request: Request): string {
    const scheme = request.#scheme?.tag === 'HTTPS' ? 'https' : 'http';
    const authority = request.#authority ?? 'localhost';
    return `${parts.methodName(request.#method)} ${scheme}://${authority}${request.#pathWithQuery ?? '/'}`;
  }

  static fieldsOf(request: Request): Fields {
    return request.#fields();
  }

  static bodyOf(request: Request): MessageBody {
    return request.#body;
  }

  /** What goes to the outside. Throws {@link OutboundError} for what cannot be sent. */
  static toOutbound(request: Request): OutboundRequest {
    const target = parts.targetOf({
      method: request.#method,
      scheme: request.#scheme,
      authority: request.#authority,
      pathWithQuery: request.#pathWithQuery,
    });
    if (FieldMap.contentLength(request.#fields()) === 'invalid') {
      throw new OutboundError({ tag: 'HTTP-protocol-error' });
    }
    return {
      ...target,
      headers: FieldMap.toList(request.#fields()),
      body: request.#body.sendAsSource(),
      ...toOutboundTimeouts(
        request.#options === undefined ? NO_TIMEOUTS : RequestOptions.timeoutsOf(request.#options),
      ),
    };
  }

  [Symbol.dispose](): void {
    this.#body.drop();
  }
}
