import type { LiveFunction } from '../model/function-version.ts';
import type { InvocationId } from '../model/ids.ts';
import type { InvocationTrace } from '../model/invocation-trace.ts';
import type { Clock, HttpExchange, OutboundHttp } from '../wasi/context.ts';
import type { LoadedArtifact } from './artifact.ts';
import type { EventCall } from './event-call.ts';

/** What one invocation runs, and for whom. */
export interface InvocationOptions {
  readonly invocationId: InvocationId;
  readonly live: LiveFunction;
  readonly artifact: LoadedArtifact;
  readonly exchange: HttpExchange;
  /** Calls this instead of the handler; the exchange is not looked at then. */
  readonly event?: EventCall;
  /** What the trigger adds to a command's environment. */
  readonly variables?: readonly (readonly [string, string])[];
  /** An event is a request too, but a command gets it without CGI. */
  readonly trigger: 'http' | 'event';
  /** Path under which the function was called, for CGI's SCRIPT_NAME. */
  readonly scriptName: string;
  readonly outbound: OutboundHttp;
  /** As fine as its tenant may have it. */
  readonly clock?: Clock;
  /** Undefined where there is none to pass on. */
  readonly trace?: InvocationTrace | undefined;
}
