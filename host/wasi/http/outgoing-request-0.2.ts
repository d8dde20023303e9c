import type { OutboundRequest } from '../context.ts';
import { BytePipe } from '../io/byte-pipe.ts';
import { ResultError } from '../io/result-error.ts';
import { OutboundError } from './error-code.ts';
import { FieldMap } from './fields.ts';
import { Fields } from './fields-0.2.ts';
import { OutgoingBody } from './outgoing-body-0.2.ts';
import * as parts from './request-parts.ts';
import { NO_TIMEOUTS, type Timeouts, toOutboundTimeouts } from './timeouts.ts';

/** Resource `wasi:http/types#outgoing-request` (WASI 0.2). */
export class OutgoingRequest {
  readonly #headers: Fields;
  #body: OutgoingBody | undefined;
  #method: parts.Method = parts.GET;
  #scheme: parts.Scheme | undefined;
  #authority: string | undefined;
  #pathWithQuery: string | undefined;

  constructor(headers: Fields) {
    FieldMap.freeze(headers);
    this.#headers = headers;
  }

  body(): OutgoingBody {
    if (this.#body !== undefined) throw new ResultError(undefined);
    this.#body = OutgoingBody.of('request', this.#headers);
    return this.#body;
  }

  method(): parts.Method {
    return this.#method;
  }

  setMethod(method: parts.Method): void {
    if (!parts.isMethod(method)) throw new ResultError(undefined);
    if (method.tag === 'other') FieldMap.chargeText(this.#headers, method.val);
    this.#method = method;
  }

  pathWithQuery(): string | undefined {
    return this.#pathWithQuery;
  }

  setPathWithQuery(pathWithQuery: string | undefined): void {
    if (pathWithQuery !== undefined && !parts.isPathWithQuery(pathWithQuery))
      throw new ResultError(undefined);
    if (pathWithQuery !== undefined) FieldMap.chargeText(this.#headers, pathWithQuery);
    this.#pathWithQuery = pathWithQuery;
  }

  scheme(): parts.Scheme | undefined {
    return this.#scheme;
  }

  setScheme(scheme: parts.Scheme | undefined): void {
    if (scheme !== undefined && !parts.isScheme(scheme)) throw new ResultError(undefined);
    if (scheme?.tag === 'other') FieldMap.chargeText(this.#headers, scheme.val);
    this.#scheme = scheme;
  }

  authority(): string | undefined {
    return this.#authority;
  }

  setAuthority(authority: string | undefined): void {
    if (authority !== undefined && !parts.isAuthority(authority)) throw new ResultError(undefined);
    if (authority !== undefined) FieldMap.chargeText(this.#headers, authority);
    this.#authority = authority;
  }

  headers(): Fields {
    return Fields.viewOf(this.#headers);
  }

  /**
   * What goes to the outside. The body, if the guest has opened it, may still be written: it streams.
   * Throws {@link OutboundError} for what cannot be sent.
   */
  static toOutbound(request: OutgoingRequest, options: RequestOptions | undefined): OutboundRequest {
    const target = parts.targetOf({
      method: request.#method,
      scheme: request.#scheme,
      authority: request.#authority,
      pathWithQuery: request.#pathWithQuery,
    });
    if (FieldMap.contentLength(request.#headers) === 'invalid') {
      throw new OutboundError({ tag: 'HTTP-protocol-error' });
    }
    return {
      ...target,
      headers: FieldMap.toList(request.#headers),
      body: request.#body === undefined ? undefined : openPipe(request.#body),
      ...toOutboundTimeouts(options === undefined ? NO_TIMEOUTS : RequestOptions.timeoutsOf(options)),
    };
  }
}

function openPipe(body: OutgoingBody): BytePipe['source'] {
  const pipe = new BytePipe();
  OutgoingBody.sinkOf(body).attach({ sink: pipe.sink, sendTrailers: () => {} });
  return pipe.source;
}

/** Resource `wasi:http/types#request-options` (WASI 0.2); durations in nanoseconds. */
export class RequestOptions {
  readonly #timeouts: Timeouts = { ...NO_TIMEOUTS };

  static timeoutsOf(options: RequestOptions): Readonly<Timeouts> {
    return options.#timeouts;
  }

  connectTimeout(): bigint | undefined {
    return this.#timeouts.connectNs;
  }

  setConnectTimeout(duration: bigint | undefined): void {
    this.#timeouts.connectNs = duration;
  }

  firstByteTimeout(): bigint | undefined {
    return this.#timeouts.firstByteNs;
  }

  setFirstByteTimeout(duration: bigint | undefined): void {
    this.#timeouts.firstByteNs = duration;
  }

  betweenBytesTimeout(): bigint | undefined {
    return this.#timeouts.betweenBytesNs;
  }

  setBetweenBytesTimeout(duration: bigint | undefined): void {
    this.#timeouts.betweenBytesNs = duration;
  }
}
