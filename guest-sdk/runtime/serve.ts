/** Turns an author's `{ fetch }` into an implementation of wasi:http/handler@0.3.0. */
import { getEnvironment } from 'wasi:cli/environment@0.2.12';
import { Fields, Request as WireRequest, Response as WireResponse } from 'wasi:http/types@0.3.0';
import { Body } from './body.ts';
import { flushWaitingLines, logError } from './console.ts';
import { Headers } from './headers.ts';
import { startServing } from './phase.ts';
import { Request } from './request.ts';
import { Response } from './response.ts';
import { bodyReceived, noTrailers, receiveBody, sendBody } from './wire.ts';

type Fetch = (request: Request, env: Readonly<Record<string, string>>) => Response | Promise<Response>;

function receiveRequest(wire: WireRequest): Request {
  const method = wire.getMethod();
  const scheme = wire.getScheme();
  const url = `${scheme?.tag === 'HTTPS' ? 'https' : 'http'}://${wire.getAuthority() ?? 'localhost'}${wire.getPathWithQuery() ?? '/'}`;
  const headers = Headers.fromEntries(wire.getHeaders().copyAll());
  const [stream, trailers] = WireRequest.consumeBody(wire, bodyReceived());
  trailers.drop();
  const name = method.tag === 'other' ? String(method.val) : method.tag.toUpperCase();
  return Request.make(url, { method: name, headers }, receiveBody(stream));
}

function sendResponse(response: Response): WireResponse {
  const content = Body.take(response);
  const headers = new Headers(response.headers);
  if (content instanceof Uint8Array && !headers.has('content-length'))
    headers.set('content-length', String(content.length));
  const [wire, sent] = WireResponse.new(
    Fields.fromList(Headers.toEntries(headers)),
    sendBody(content),
    noTrailers(),
  );
  sent.drop();
  wire.setStatusCode(response.status);
  return wire;
}

/**
 * `exported` is the default export of the author's module: an object with a `fetch` method, or such a function.
 * The build calls this while it pre-initialises the component, so that a wrong export fails the build.
 */
export function serve(exported: unknown): { handle(wire: WireRequest): Promise<WireResponse> } {
  const method =
    typeof exported === 'object' && exported !== null ? (exported as { fetch?: unknown }).fetch : exported;
  if (typeof method !== 'function') {
    throw new TypeError('MAYFLY_NO_HANDLER');
  }
  const call: Fetch = (request, env) => (method as Fetch).call(exported, request, env);
  return {
    async handle(wire) {
      startServing();
      flushWaitingLines();
      try {
        const response = await call(receiveRequest(wire), Object.fromEntries(getEnvironment()));
        if (!(response instanceof Response)) throw new TypeError('the handler did not return a Response');
        return sendResponse(response);
      } catch (error) {
        logError(error);
        // componentize-qjs makes a thrown error-code the `err` of the result.
        throw {
          tag: 'internal-error',
          val: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
        };
      }
    },
  };
}
