import type { HttpExchange } from '../context.ts';
import type { Handles } from '../io/handles.ts';
import { ResultError } from '../io/result-error.ts';
import { Fields } from './fields-0.2.ts';
import { IncomingBody } from './incoming-body-0.2.ts';
import { type Method, type Scheme, toMethod, toScheme } from './request-parts.ts';

/** Resource `wasi:http/types#incoming-request` (WASI 0.2). */
export class IncomingRequest {
  readonly #exchange: HttpExchange;
  readonly #handles: Handles;
  #isConsumed = false;

  private constructor(exchange: HttpExchange, handles: Handles) {
    this.#exchange = exchange;
    this.#handles = handles;
  }

  static of(exchange: HttpExchange, handles: Handles): IncomingRequest {
    return new IncomingRequest(exchange, handles);
  }

  method(): Method {
    return toMethod(this.#exchange.method);
  }

  pathWithQuery(): string | undefined {
    return this.#exchange.pathWithQuery;
  }

  scheme(): Scheme | undefined {
    return toScheme(this.#exchange.scheme);
  }

  authority(): string | undefined {
    return this.#exchange.authority;
  }

  headers(): Fields {
    return Fields.fromWire(this.#exchange.headers);
  }

  consume(): IncomingBody {
    if (this.#isConsumed) throw new ResultError(undefined);
    this.#isConsumed = true;
    return IncomingBody.of(this.#exchange, this.#handles);
  }

  [Symbol.dispose](): void {
    // A body that nobody can ask for any more need not come.
    if (!this.#isConsumed) this.#exchange.body.close();
  }
}
