/** What a call of a function consists of, whoever makes it. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ErrorCode } from '../errors/errors.ts';
import type { InvocationResult } from '../instance/engine.ts';
import type { InvocationOptions } from '../instance/invocation-options.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { HandedTrace, InvocationTrace } from '../model/invocation-trace.ts';
import type { TraceContext } from '../model/trace-context.ts';
import type { UsageTrigger } from '../model/usage-record.ts';
import type { UrlRequest } from './authorizer.ts';
import type { Fields } from './cors.ts';
import type { InvocationCause, InvocationEnd } from './invocation-use.ts';
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
  /** Whether a browser would take the answer to be of the console's origin (shared-origin.ts). */
  readonly isSandboxed?: boolean;
  /** Where it has one already. */
  readonly invocationId?: InvocationId;
  /** Where it was begun elsewhere. */
  readonly handedTrace?: HandedTrace | undefined;
  /** How long it has waited elsewhere, for its place: 0 unless it is given. */
  readonly queuedMs?: number;
}

/** A call as it runs: what the caller's options and the function's settings came to. */
export interface Call {
  readonly options: CallOptions;
  readonly passage: Passage;
  readonly invocationId: InvocationId;
  readonly trace: InvocationTrace | undefined;
  readonly arrivedMs: number;
  readonly responseFields: Fields;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

/** What the host asks of a function on its own account. */
export interface Question {
  readonly trigger: Exclude<UsageTrigger, 'http' | 'invoke' | 'unknown'>;
  readonly event: Uint8Array;
  readonly contentType: string;
  readonly maxAnswerBytes: number;
  /** The function's own timeoutMs may be shorter. */
  readonly timeoutMs: number;
  /** Where it has one already. */
  readonly invocationId?: InvocationId | undefined;
  /** The trace that it belongs to. */
  readonly cause?: TraceContext | undefined;
  readonly handedTrace?: HandedTrace | undefined;
}

/** What causes an invocation on the host's own account; its id where it has one already. */
export type OwnCause = Omit<InvocationCause, 'invocationId' | 'trace'> & {
  /** Trace context of whoever caused it. */
  readonly parent?: TraceContext | undefined;
  /** Where it was begun elsewhere. */
  readonly handedTrace?: HandedTrace | undefined;
  readonly invocationId?: InvocationId | undefined;
};

/** How an invocation ended, what it took, and by which cost model; called once for each that began. */
export type Settled = (result: InvocationResult, end: InvocationEnd, fuelModel: string) => void;

/** What is known of its end beside the engine's account. */
export type OwnAccount = Omit<InvocationEnd, 'queueMs'>;

export type Terminate = (code: ErrorCode, detail: string) => Error;

/** What an invocation on the host's own account is called with. */
export interface OwnCall extends Pick<InvocationOptions, 'exchange' | 'event' | 'variables'> {
  /** For its usage record, once it has settled. */
  readonly account: () => OwnAccount;
  /** Beside the function's own limits. */
  readonly limit?: { readonly gone: AbortSignal; readonly timeoutMs: number };
}

export interface OwnResult extends InvocationResult {
  readonly invocationId: InvocationId;
}
