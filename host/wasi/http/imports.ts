import type { WasiContext } from '../context.ts';
import { sendRequest } from './client-0.3.ts';
import { FieldsBudget } from './fields-budget.ts';
import { sendForFuture } from './outbound-mayfly.ts';
import { handleOutgoing } from './outgoing-handler-0.2.ts';
import type { OutgoingRequest, RequestOptions } from './outgoing-request-0.2.ts';
import type { Request } from './request-0.3.ts';
import { typesP2 } from './types-0.2.ts';
import { typesP3 } from './types-0.3.ts';

/**
 * Everything of HTTP that a component may import, under the keys of the glue. Made once per invocation; the
 * resource classes are shared by all of them, `Fields` as a view that knows whom to charge.
 */
export function createHttpImports(context: WasiContext): Record<string, Record<string, unknown>> {
  const budget = FieldsBudget.of(context);
  return {
    'wasi:http/types': typesP2(budget),
    'wasi:http/outgoing-handler': {
      handle: (request: OutgoingRequest, options: RequestOptions | undefined) =>
        handleOutgoing(context, request, options),
    },
    'wasi:http/types@0.3': typesP3(budget),
    'wasi:http/client@0.3': { send: (request: Request) => sendRequest(context, request) },
    'mayfly:http/outbound': { send: (request: Request) => sendForFuture(context, request) },
  };
}
