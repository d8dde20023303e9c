/** `wasi:http/types` (WASI 0.2): every resource, and its one function. */
import { IoError } from '../io/error.ts';
import { budgetedTypes } from './budgeted-types.ts';
import { type HttpErrorCode, OutboundError } from './error-code.ts';
import { Fields } from './fields-0.2.ts';
import type { FieldsBudget } from './fields-budget.ts';
import { FutureTrailers, IncomingBody } from './incoming-body-0.2.ts';
import { IncomingRequest } from './incoming-request-0.2.ts';
import { FutureIncomingResponse, IncomingResponse } from './incoming-response-0.2.ts';
import { OutgoingBody } from './outgoing-body-0.2.ts';
import { OutgoingRequest, RequestOptions } from './outgoing-request-0.2.ts';
import { OutgoingResponse } from './outgoing-response-0.2.ts';
import { ResponseOutparam } from './response-outparam-0.2.ts';

/** The error-code behind a stream's error, if it came from HTTP. */
function httpErrorCode(error: IoError): HttpErrorCode | undefined {
  const cause = IoError.causeOf(error);
  return cause instanceof OutboundError ? cause.payload : undefined;
}

const shared: Record<string, unknown> = {
  FutureIncomingResponse,
  FutureTrailers,
  IncomingBody,
  IncomingRequest,
  IncomingResponse,
  OutgoingBody,
  OutgoingRequest,
  OutgoingResponse,
  RequestOptions,
  ResponseOutparam,
  httpErrorCode,
};

export const typesP2: (budget: FieldsBudget) => Record<string, unknown> = budgetedTypes(shared, Fields);
