import { ResultError } from '../io/result-error.ts';
import { FieldMap } from './fields.ts';
import { Fields } from './fields-0.2.ts';
import { OutgoingBody } from './outgoing-body-0.2.ts';

/** Resource `wasi:http/types#outgoing-response` (WASI 0.2). */
export class OutgoingResponse {
  readonly #headers: Fields;
  #body: OutgoingBody | undefined;
  #statusCode = 200;

  constructor(headers: Fields) {
    FieldMap.freeze(headers);
    this.#headers = headers;
  }

  statusCode(): number {
    return this.#statusCode;
  }

  /** Informational codes are not final ones, and HTTP has none from 1000. */
  setStatusCode(statusCode: number): void {
    if (statusCode < 200 || statusCode > 999) throw new ResultError(undefined);
    this.#statusCode = statusCode;
  }

  headers(): Fields {
    return Fields.viewOf(this.#headers);
  }

  body(): OutgoingBody {
    if (this.#body !== undefined) throw new ResultError(undefined);
    this.#body = OutgoingBody.of('response', this.#headers);
    return this.#body;
  }

  /** The fields as they were given, and the body if the guest has asked for it. */
  static partsOf(response: OutgoingResponse): {
    readonly headers: Fields;
    readonly body: OutgoingBody | undefined;
  } {
    return { headers: response.#headers, body: response.#body };
  }
}
