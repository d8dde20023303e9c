/** Turns an author's `{ fetch }` into an implementation of wasi:http/handler@0.3.0. */
import type { Request as WireRequest, Response as WireResponse } from 'wasi:http/types@0.3.0';
import { flushWaitingLines } from './console.ts';
import { type Environment, environment } from './environment.ts';
import { type Answering, Exchange } from './exchange.ts';
import { startServing } from './phase.ts';
import type { Request } from './request.ts';
import type { Response } from './response.ts';
import type { Context } from './span.ts';

type Fetch = (request: Request, env: Environment, context: Context) => Response | Promise<Response>;

/**
 * `exported` is the default export of the author's module: an object with a `fetch` method, or such a function
 * (handlers.ts has seen to it). The build calls this while it pre-initialises the component.
 */
export function serve(exported: unknown): { handle(wire: WireRequest): PromiseLike<WireResponse> } {
  const method = typeof exported === 'function' ? exported : (exported as { readonly fetch: Fetch }).fetch;
  const answering: Answering = (request, context) => {
    flushWaitingLines();
    return (method as Fetch).call(exported, request, environment, context);
  };
  /** The first invocation finds its objects made: for a host that makes an instance for each, that is every one. */
  let spare: Exchange | undefined = new Exchange(answering);
  let earlier: Exchange[] = [];
  return {
    handle(wire) {
      startServing();
      if (earlier.length > 0) earlier = earlier.filter((exchange) => !exchange.close());
      const exchange = spare ?? new Exchange(answering);
      spare = undefined;
      earlier.push(exchange);
      return exchange.receive(wire) as unknown as PromiseLike<WireResponse>;
    },
  };
}
