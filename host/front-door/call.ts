/** What a call of a function consists of, whoever makes it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors.ts';
import type { InvocationOptions, InvocationResult } from '../instance/engine.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { UrlRequest } from './authorizer.ts';
import type { Fields } from './cors.ts';
import type { Passage } from './url-access.ts';

/** What comes before a call through a function's URL. */
export interface UrlPolicy {
  /** @throws MayflyError if the request may not reach the function */
  admit(live: LiveFunction, request: UrlRequest, untilGone: () => AbortSignal): Passage | Promise<Passage>;
}

export interface CallOptions {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly trigger: 'http' | 'event';
  readonly method: string;
  readonly pathWithQuery: string;
  readonly scriptName: string;
  /** What the function does not see of a request through the API; through its URL, the policy says it. */
  readonly hidden: ReadonlySet<string>;
  readonly url?: UrlPolicy;
  /** Where it has one already. */
  readonly invocationId?: InvocationId;
}

/** A call as it runs: what the caller's options and the function's settings came to. */
export interface Call extends CallOptions, Passage {
  readonly invocationId: InvocationId;
  readonly arrivedMs: number;
  readonly responseFields: Fields;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** What the host asks of a function on its own account. */
export interface Question {
  readonly event: Uint8Array;
  readonly contentType: string;
  readonly maxAnswerBytes: number;
  /** The function's own timeoutMs may be shorter. */
  readonly timeoutMs: number;
}

export type Terminate = (code: ErrorCode, detail: string) => Error;

/** What an invocation on the host's own account is called with. */
export interface OwnCall extends Pick<InvocationOptions, 'exchange' | 'event' | 'variables'> {
  /** Beside the function's own limits. */
  readonly limit?: { readonly gone: AbortSignal; readonly timeoutMs: number };
}

export interface OwnResult extends InvocationResult {
  readonly invocationId: InvocationId;
}
