/**
 * One request and its response, between componentize-qjs and the author's handler.
 *
 * 1. It is the thenable that componentize-qjs wants of `handle`, and which it asks for its outcome once. A promise
 *    would cost several turns of QuickJS's queue.
 * 2. It asks the host for nothing that the handler does not ask for.
 * 3. Handles that nobody waits for are given back when the next exchange begins: a host that makes an instance for
 *    each does not pay for tidiness (a host call costs 10,000 units of fuel and as much again in QuickJS).
 */

import { bytesResponse, textResponse } from 'mayfly:http/messages@0.1.0';
import type { WitFuture } from 'mayfly:wit';
import {
  type FieldEntries,
  Fields,
  type Request as WireRequest,
  Response as WireResponse,
} from 'wasi:http/types@0.3.0';
import { type BodyContent, TEXT_TYPE, type WireContent } from './body.ts';
import { logError } from './console.ts';
import { encodeUtf8, fromBinary } from './encoding.ts';
import { Headers } from './headers.ts';
import { IncomingRequest } from './incoming-request.ts';
import { Request } from './request.ts';
import { JSON_TYPE, Response } from './response.ts';
import { Context } from './span.ts';
import { OutgoingBody } from './wire.ts';

/** Gives the response, or a promise of it; may throw. */
export type Answering = (request: Request, context: Context) => unknown;

type Resolve = (response: WireResponse) => void;
type Reject = (errorCode: unknown) => void;

/** What `mayfly:http/messages` takes at most, in bytes; text has at least as many as characters. */
const MAX_WHOLE_BYTES = 65_536;

/** Made once, in the memory that every invocation starts from. */
const TEXT_FIELDS = `content-type\n${TEXT_TYPE}\n`;
const JSON_FIELDS = `content-type\n${JSON_TYPE}\n`;

function fieldsOf(response: Response): string {
  const contentType = Response.soleContentType(response);
  if (contentType === TEXT_TYPE) return TEXT_FIELDS;
  if (contentType === JSON_TYPE) return JSON_FIELDS;
  return Headers.toText(response.headers);
}

/** One call of the host for all of it; null where that cannot be, or where it refuses. */
function wholeResponse(status: number, fields: string, content: BodyContent): WireResponse | null {
  if (typeof content === 'string')
    return content.length > MAX_WHOLE_BYTES ? null : textResponse(status, fields, content);
  if (content !== null && !(content instanceof Uint8Array && content.length <= MAX_WHOLE_BYTES)) return null;
  return bytesResponse(status, fields, content);
}

function entriesOf(response: Response, content: WireContent): FieldEntries {
  const { headers } = response;
  const entries = Headers.toEntries(headers);
  if (content instanceof Uint8Array && !headers.has('content-length'))
    entries.push(['content-length', fromBinary(String(content.length))]);
  return entries;
}

export class Exchange {
  readonly #answering: Answering;
  readonly #incoming = new IncomingRequest();
  readonly #request = Request.received(this.#incoming);
  readonly #context = new Context();
  readonly #body = new OutgoingBody();
  #sent: WitFuture<unknown> | undefined;
  #state: 'open' | 'answered' | 'failed' = 'open';
  #resolve: Resolve | undefined;
  #reject: Reject | undefined;

  constructor(answering: Answering) {
    this.#answering = answering;
  }

  /** The handle that `handle` was called with. */
  receive(wire: WireRequest): this {
    this.#incoming.wire = wire;
    return this;
  }

  // biome-ignore lint/suspicious/noThenProperty: invariant 1
  then(resolve: Resolve, reject: Reject): void {
    this.#resolve = resolve;
    this.#reject = reject;
    try {
      const response = this.#answering(this.#request, this.#context);
      if (response instanceof Response) this.#send(response);
      else Promise.resolve(response).then(this.#respond, this.#fail);
    } catch (error) {
      this.#fail(error);
    }
  }

  readonly #respond = (response: unknown): void => {
    try {
      if (!(response instanceof Response)) throw new TypeError('the handler did not return a Response');
      this.#send(response);
    } catch (error) {
      this.#fail(error);
    }
  };

  #send(response: Response): void {
    const text = Response.takeText(response);
    const content = text ?? Response.bodyOf(response).take();
    const status = text === undefined ? response.status : 200;
    const whole = wholeResponse(status, fieldsOf(response), content);
    if (whole === null)
      this.#sendInParts(response, typeof content === 'string' ? encodeUtf8(content) : content);
    else {
      this.#state = 'answered';
      (this.#resolve as Resolve)(whole);
    }
  }

  #sendInParts(response: Response, content: WireContent): void {
    const body = this.#body;
    const trailers = body.open(content);
    const [wire, sent] = WireResponse.new(
      Fields.fromList(entriesOf(response, content)),
      body.contents,
      trailers,
    );
    this.#sent = sent;
    if (response.status !== 200) wire.setStatusCode(response.status);
    (this.#resolve as Resolve)(wire);
    this.#state = 'answered';
    body.send();
  }

  readonly #fail = (error: unknown): void => {
    this.#state = 'failed';
    logError(error);
    // componentize-qjs makes the error-code the `err` of the result.
    (this.#reject as Reject)({
      tag: 'internal-error',
      val: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    });
  };

  /** Gives back what is left of it; false while something of it is still going on. */
  close(): boolean {
    if (this.#state === 'open') return false;
    try {
      if (this.#state === 'answered') this.#body.close();
      this.#sent?.drop();
      this.#sent = undefined;
      this.#incoming.close();
      return true;
    } catch {
      return false;
    }
  }
}
