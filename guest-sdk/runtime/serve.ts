/** Turns an author's `{ fetch }` into an implementation of wasi:http/handler@0.3.0. */
import {
  type FieldEntries,
  Fields,
  type Request as WireRequest,
  Response as WireResponse,
} from 'wasi:http/types@0.3.0';
import { Body, TEXT_TYPE, type WireContent } from './body.ts';
import { flushWaitingLines, logError } from './console.ts';
import { fromBinary } from './encoding.ts';
import { type Environment, environment } from './environment.ts';
import { Headers } from './headers.ts';
import { IncomingRequest } from './incoming-request.ts';
import { startServing } from './phase.ts';
import { Request } from './request.ts';
import { Response } from './response.ts';
import { outgoingBody } from './wire.ts';

type Fetch = (request: Request, env: Environment) => Response | Promise<Response>;

/** What componentize-qjs calls with the response, and with a thrown error-code, which it makes the `err` of the result. */
interface Answer {
  resolve(response: WireResponse): void;
  reject(errorCode: unknown): void;
}

const TEXT_ENTRY: FieldEntries[number] = ['content-type', fromBinary(TEXT_TYPE)];
const JSON_ENTRY: FieldEntries[number] = ['content-type', fromBinary('application/json')];

function fieldsOf(response: Response, content: WireContent): FieldEntries {
  const length = content instanceof Uint8Array ? String(content.length) : undefined;
  const contentType = Response.soleContentType(response);
  if (contentType !== undefined && length !== undefined) {
    const lengthEntry: FieldEntries[number] = ['content-length', fromBinary(length)];
    if (contentType === TEXT_TYPE) return [TEXT_ENTRY, lengthEntry];
    if (contentType === 'application/json') return [JSON_ENTRY, lengthEntry];
    return [['content-type', fromBinary(contentType)], lengthEntry];
  }
  const { headers } = response;
  const entries = Headers.toEntries(headers);
  if (length !== undefined && !headers.has('content-length'))
    entries.push(['content-length', fromBinary(length)]);
  return entries;
}

/** Resolves when the body has been sent. */
function sendResponse(response: unknown, answer: Answer): Promise<void> | undefined {
  if (!(response instanceof Response)) throw new TypeError('the handler did not return a Response');
  const content = Body.take(response);
  const body = outgoingBody(content);
  const [wire, sent] = WireResponse.new(
    Fields.fromList(fieldsOf(response, content)),
    body.contents,
    body.trailers,
  );
  sent.drop();
  if (response.status !== 200) wire.setStatusCode(response.status);
  answer.resolve(wire);
  return body.send();
}

function fail(error: unknown, answer: Answer): void {
  logError(error);
  answer.reject({
    tag: 'internal-error',
    val: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  });
}

/**
 * `exported` is the default export of the author's module: an object with a `fetch` method, or such a function.
 * The build calls this while it pre-initialises the component, so that a wrong export fails the build.
 */
export function serve(exported: unknown): { handle(wire: WireRequest): PromiseLike<WireResponse> } {
  const method =
    typeof exported === 'object' && exported !== null ? (exported as { fetch?: unknown }).fetch : exported;
  if (typeof method !== 'function') {
    throw new TypeError('MAYFLY_NO_HANDLER');
  }
  const call: Fetch = (request, env) => (method as Fetch).call(exported, request, env);

  function handle(wire: WireRequest, answer: Answer): void {
    startServing();
    const source = new IncomingRequest(wire);
    const respond = (response: unknown): void => {
      try {
        const sent = sendResponse(response, answer);
        // A response's body may be made of the request's: that is unread only when all is sent.
        if (source.isUnread) void Promise.resolve(sent).then(() => source.finish());
      } catch (error) {
        fail(error, answer);
      }
    };
    try {
      flushWaitingLines();
      const response = call(Request.received(source), environment);
      if (response instanceof Response) respond(response);
      else Promise.resolve(response).then(respond, (error: unknown) => fail(error, answer));
    } catch (error) {
      fail(error, answer);
    }
  }

  return {
    // componentize-qjs wants `then` of what is returned, once. A promise would cost several turns of QuickJS's queue.
    handle: (wire) => ({
      // biome-ignore lint/suspicious/noThenProperty: a thenable is asked for
      then(resolve: (response: WireResponse) => void, reject: (errorCode: unknown) => void) {
        handle(wire, { resolve, reject });
      },
    }),
  } as { handle(wire: WireRequest): PromiseLike<WireResponse> };
}
