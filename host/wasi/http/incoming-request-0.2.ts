import type { HttpExchange, WasiContext } from '../context.ts';
import { ResultError } from '../io/result-error.ts';
import { Fields } from './fields-0.2.ts';
import { FieldsBudget } from './fields-budget.ts';
import { IncomingBody } from './incoming-body-0.2.ts';
import { type Method, type Scheme, toMethod, toScheme } from './request-parts.ts';

/** Resource `wasi:http/types#incoming-request` (WASI 0.2). */
export class IncomingRequest {
  readonly #exchange: HttpExchange;
  readonly #context: WasiContext;
  #isConsumed = false;

  private constructor(exchange: HttpExchange, context: WasiContext) {
    this.#exchange = exchange;
    this.#context = context;
  }

  static of(exchange: HttpExchange, context: WasiContext): IncomingRequest {
    return new IncomingRequest(exchange, context);
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
    return Fields.fromWire(this.#exchange.headers, FieldsBudget.of(this.#context));
  }

  consume(): IncomingBody {
    if (this.#isConsumed) throw new ResultError(undefined);
    this.#isConsumed = true;
    return IncomingBody.of(this.#exchange, this.#context);
  }

  [Symbol.dispose](): void {
    // A body that nobody can ask for any more need not come.
    if (!this.#isConsumed) this.#exchange.body.close();
  }
}
