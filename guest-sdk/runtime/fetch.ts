/**
 * `fetch` over mayfly:http/outbound: requests that are in flight together run together. Follows redirects as the
 * Fetch standard does; there are no cookies, cache or CORS, as a server has none.
 */
import { send } from 'mayfly:http/outbound@0.1.0';
import {
  Fields,
  type Variant,
  Request as WireRequest,
  Response as WireResponse,
} from 'wasi:http/types@0.3.0';
import type { WireContent } from './body.ts';
import { Headers } from './headers.ts';
import { requireServing } from './phase.ts';
import { Request, type RequestInit } from './request.ts';
import { Response } from './response.ts';
import { UnreadBody } from './unread-body.ts';
import { URL } from './url.ts';
import { consumeBody, OutgoingBody } from './wire.ts';

const MAX_REDIRECTS = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

interface Hop {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly content: WireContent;
}

function toWire({ method, url, headers, content }: Hop): {
  readonly request: WireRequest;
  readonly body: OutgoingBody;
} {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new TypeError(`fetch ${url.href}: only http and https can be fetched`);
  const fields = new Headers(headers);
  if (content instanceof Uint8Array) fields.set('content-length', String(content.length));
  const body = new OutgoingBody();
  const trailers = body.open(content);
  const [request, sent] = WireRequest.new(
    Fields.fromList(Headers.toEntries(fields)),
    body.contents,
    trailers,
    null,
  );
  sent.drop();
  const known = /^(?:get|head|post|put|delete|connect|options|trace|patch)$/i.test(method);
  request.setMethod(known ? { tag: method.toLowerCase() } : { tag: 'other', val: method });
  request.setScheme({ tag: url.protocol === 'http:' ? 'HTTP' : 'HTTPS' });
  request.setAuthority(url.host);
  request.setPathWithQuery(url.pathname + url.search);
  return { request, body };
}

/** What an error-code says, for people. */
function describe(code: Variant, url: URL): string {
  if (code.tag === 'HTTP-request-denied')
    return `${code.tag}: this function's configuration does not allow the host ${url.host}`;
  return typeof code.val === 'string' ? `${code.tag}: ${code.val}` : code.tag;
}

async function exchange(hop: Hop): Promise<WireResponse> {
  const { request, body } = toWire(hop);
  const answer = send(request);
  body.send();
  const result = await answer.read();
  if (result.tag === 'ok') return result.val as WireResponse;
  throw new TypeError(`fetch ${hop.url.href} failed: ${describe(result.val, hop.url)}`, {
    cause: result.val,
  });
}

/** The request that a redirect asks for. */
function redirected(hop: Hop, status: number, location: string): Hop {
  const url = new URL(location, hop.url);
  const headers = new Headers(hop.headers);
  if (url.origin !== hop.url.origin)
    for (const name of ['authorization', 'cookie', 'proxy-authorization']) headers.delete(name);
  const becomesGet =
    (status === 303 && !/^(?:GET|HEAD)$/.test(hop.method)) || (status <= 302 && hop.method === 'POST');
  if (!becomesGet) {
    if (hop.content !== null && !(hop.content instanceof Uint8Array))
      throw new TypeError(`fetch ${hop.url.href}: a redirect cannot repeat a streaming body`);
    return { ...hop, url, headers };
  }
  for (const name of [
    'content-type',
    'content-length',
    'content-encoding',
    'content-language',
    'content-location',
  ])
    headers.delete(name);
  return { method: 'GET', url, headers, content: null };
}

export async function fetch(input: string | URL | Request, init: RequestInit = {}): Promise<Response> {
  requireServing('fetch');
  const request = new Request(input, init);
  let hop: Hop = {
    method: request.method,
    url: new URL(request.url),
    headers: request.headers,
    content: Request.bodyOf(request).takeBytes(),
  };
  for (let count = 0; ; count++) {
    const wire = await exchange(hop);
    const status = wire.getStatusCode();
    const fields = wire.getHeaders();
    const headers = Headers.received(() =>
      fields.copyAll().map(([name, value]) => [name.toLowerCase(), value]),
    );
    const stream = consumeBody(WireResponse.consumeBody, wire);
    const location = REDIRECTS.has(status) ? headers.get('location') : null;
    if (location === null || request.redirect === 'manual') {
      return Response.received(new UnreadBody(() => stream), {
        status,
        headers,
        url: hop.url.href,
        redirected: count > 0,
      });
    }
    stream.drop();
    if (request.redirect === 'error')
      throw new TypeError(`fetch ${hop.url.href}: it redirects, which this request does not allow`);
    if (count >= MAX_REDIRECTS)
      throw new TypeError(`fetch ${request.url}: more than ${MAX_REDIRECTS} redirects`);
    hop = redirected(hop, status, location);
  }
}
