import type { OutboundResponse, WasiContext } from '../context.ts';
import { Handles } from '../io/handles.ts';
import type { Pollable } from '../io/poll.ts';
import { ResultError } from '../io/result-error.ts';
import type { HttpErrorCode } from './error-code.ts';
import { Fields } from './fields-0.2.ts';
import { FieldsBudget } from './fields-budget.ts';
import { IncomingBody } from './incoming-body-0.2.ts';
import { PendingResult, type TakenResult } from './pending-result.ts';

/** Resource `wasi:http/types#incoming-response` (WASI 0.2). */
export class IncomingResponse {
  readonly #response: OutboundResponse;
  readonly #context: WasiContext;
  #isConsumed = false;

  private constructor(response: OutboundResponse, context: WasiContext) {
    this.#response = response;
    this.#context = context;
  }

  static of(response: OutboundResponse, context: WasiContext): IncomingResponse {
    return new IncomingResponse(response, context);
  }

  status(): number {
    return this.#response.status;
  }

  headers(): Fields {
    return Fields.fromWire(this.#response.headers, FieldsBudget.of(this.#context));
  }

  consume(): IncomingBody {
    if (this.#isConsumed) throw new ResultError(undefined);
    this.#isConsumed = true;
    return IncomingBody.of(this.#response, this.#context);
  }

  [Symbol.dispose](): void {
    if (!this.#isConsumed) this.#response.body.close();
  }
}

type ResponseResult =
  | { readonly tag: 'ok'; readonly val: IncomingResponse }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/** Resource `wasi:http/types#future-incoming-response` (WASI 0.2). */
export class FutureIncomingResponse {
  readonly #pending: PendingResult<IncomingResponse>;

  private constructor(pending: PendingResult<IncomingResponse>) {
    this.#pending = pending;
  }

  static of(response: Promise<OutboundResponse>, context: WasiContext): FutureIncomingResponse {
    const incoming = response.then((arrived) => IncomingResponse.of(arrived, context));
    return new FutureIncomingResponse(new PendingResult(incoming, Handles.of(context)));
  }

  subscribe(): Pollable {
    return this.#pending.subscribe();
  }

  get(): TakenResult<ResponseResult> | undefined {
    return this.#pending.take();
  }

  /** A response that comes after this was dropped is let go, so that its connection is not held. */
  [Symbol.dispose](): void {
    this.#pending.discard((response) => response[Symbol.dispose]());
  }
}
