/**
 * One request and its response, between componentize-qjs and the author's handler.
 *
 * 1. It is the thenable that componentize-qjs wants of `handle`, and which it asks for its outcome once. A promise
 *    would cost several turns of QuickJS's queue.
 * 2. It asks the host for nothing that the handler does not ask for.
 * 3. Handles that nobody waits for are given back when the next exchange begins: a host that makes an instance for
 *    each does not pay for tidiness (a host call costs 10,000 units of fuel and as much again in QuickJS).
 */

import type { WitFuture } from 'mayfly:wit';
import {
  type FieldEntries,
  Fields,
  type Request as WireRequest,
  Response as WireResponse,
} from 'wasi:http/types@0.3.0';
import { Body, TEXT_TYPE, type WireContent } from './body.ts';
import { logError } from './console.ts';
import { fromBinary } from './encoding.ts';
import { Headers } from './headers.ts';
import { IncomingRequest } from './incoming-request.ts';
import { Request } from './request.ts';
import { JSON_TYPE, Response } from './response.ts';
import { OutgoingBody } from './wire.ts';

/** Gives the response, or a promise of it; may throw. */
export type Answering = (request: Request) => unknown;

type Resolve = (response: WireResponse) => void;
type Reject = (errorCode: unknown) => void;

/** Made once, in the memory that every invocation starts from. */
const TEXT_ENTRY: FieldEntries[number] = ['content-type', fromBinary(TEXT_TYPE)];
const JSON_ENTRY: FieldEntries[number] = ['content-type', fromBinary(JSON_TYPE)];

function fieldsOf(response: Response, content: WireContent): FieldEntries {
  const lengthEntry: FieldEntries[number] | undefined =
    content instanceof Uint8Array ? ['content-length', fromBinary(String(content.length))] : undefined;
  const contentType = Response.soleContentType(response);
  if (lengthEntry !== undefined && contentType === TEXT_TYPE) return [TEXT_ENTRY, lengthEntry];
  if (lengthEntry !== undefined && contentType === JSON_TYPE) return [JSON_ENTRY, lengthEntry];
  const { headers } = response;
  const entries = Headers.toEntries(headers);
  if (lengthEntry !== undefined && !headers.has('content-length')) entries.push(lengthEntry);
  return entries;
}

export class Exchange {
  readonly #answering: Answering;
  readonly #incoming = new IncomingRequest();
  readonly #request = Request.received(this.#incoming);
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
      const response = this.#answering(this.#request);
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
    const content = Body.take(response);
    const body = this.#body;
    const trailers = body.open(content);
    const [wire, sent] = WireResponse.new(
      Fields.fromList(fieldsOf(response, content)),
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
