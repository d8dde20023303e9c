import type { MakeInterface } from '../lazy-imports.ts';
import { sendRequest } from './client-0.3.ts';
import { FieldsBudget } from './fields-budget.ts';
import { createMessages } from './messages-mayfly.ts';
import { sendForFuture } from './outbound-mayfly.ts';
import { handleOutgoing } from './outgoing-handler-0.2.ts';
import type { OutgoingRequest, RequestOptions } from './outgoing-request-0.2.ts';
import type { Request } from './request-0.3.ts';
import { typesP2 } from './types-0.2.ts';
import { typesP3 } from './types-0.3.ts';

/**
 * Everything of HTTP that a component may import, under the keys of the glue. The resource classes are shared by all
 * invocations, `Fields` as a view that knows whom to charge.
 */
export const HTTP_INTERFACES: Readonly<Record<string, MakeInterface>> = {
  'wasi:http/types': (context) => typesP2(FieldsBudget.of(context)),
  'wasi:http/outgoing-handler': (context) => ({
    handle: (request: OutgoingRequest, options: RequestOptions | undefined) =>
      handleOutgoing(context, request, options),
  }),
  'wasi:http/types@0.3': (context) => typesP3(FieldsBudget.of(context)),
  'wasi:http/client@0.3': (context) => ({ send: (request: Request) => sendRequest(context, request) }),
  'mayfly:http/messages': (context) => ({ ...createMessages(context) }),
  'mayfly:http/outbound': (context) => ({ send: (request: Request) => sendForFuture(context, request) }),
};
