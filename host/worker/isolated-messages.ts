/**
 * What passes between the host and the process of an isolated tenant: over the process channel, plain data only; and with
 * each request that a serving thread hands over to it.
 */
import type { ErrorMessage } from '../errors/errors.ts';
import type { RoadWish } from '../instance/rewind/road.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { HandedTrace } from '../model/invocation-trace.ts';
import type { RecordedSpans } from '../model/thread-telemetry.ts';
import type { TraceSampling } from '../model/trace-sampling.ts';
import type { UsageTrigger } from '../model/usage-record.ts';
import type { FromWorker, PrepareOrder, ResolvedFunction } from './messages.ts';

/** Given to the process when it is made. */
export interface IsolatedProcessData {
  readonly tenant: TenantName;
  /** Where it listens; nobody but this host may connect. */
  readonly socketPath: string;
  readonly dataDir: string;
  /** JavaScript heap of the process. */
  readonly heapBytes: number;
  readonly rewind: RoadWish;
  readonly idleMemoryBytes: number;
  readonly idleSlots: number;
  readonly tracing: TraceSampling;
}

/** What the host knows of a function, for the process that runs it: it has no part in the quota table. */
export type IsolatedFunction = Pick<ResolvedFunction, 'live' | 'tenant'> & {
  readonly outbound: OutboundQuotas;
};

/** All outbound requests of the tenant come from its process: it counts them itself. */
export interface OutboundQuotas {
  readonly requestsPerSecond: number;
  readonly bytesPerMonth: number;
  /** What was sent and received in this month, as far as the host knows. */
  readonly bytesOfMonth: number;
}

export type ToIsolated =
  | { readonly kind: 'start'; readonly data: IsolatedProcessData }
  | { readonly kind: 'resolved'; readonly id: number; readonly route: IsolatedFunction | undefined }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: ErrorMessage }
  /** Say what is still to be said, then `finished`. */
  | { readonly kind: 'finish' }
  /** Say `alive`. */
  | { readonly kind: 'ping' }
  | ({ readonly kind: 'prepare' } & PrepareOrder);

export type FromIsolated =
  | { readonly kind: 'serving' }
  | { readonly kind: 'resolve'; readonly id: number; readonly name: FunctionName }
  /** What has been used since the last notice. */
  | { readonly kind: 'spent'; readonly fuel: number; readonly outboundBytes: number }
  | { readonly kind: 'finished' }
  | ({ readonly kind: 'spans' } & RecordedSpans)
  | { readonly kind: 'alive' }
  | Extract<FromWorker, { readonly kind: 'logs' | 'relieved' | 'usage' }>;

/** The header field, taken out before anything looks at the request, in which a {@link HandedCall} travels. */
export const CALL_FIELD = 'mayfly-call';

/** A request that a serving thread has admitted. */
export type HandedCall = {
  readonly name: FunctionName;
  /** Under which change count the serving thread knows the function: an older one is asked for again. */
  readonly count: number;
  /** Whoever tells of it, it is one invocation: the ledger keeps one record of it. */
  readonly invocationId: InvocationId;
  /** The trace that it goes on with: the ids of its span are known to whoever decided over it. */
  readonly handedTrace?: HandedTrace;
} & (
  | {
      readonly kind: 'request';
      readonly trigger: 'http' | 'event';
      readonly isUrl: boolean;
      readonly isSandboxed: boolean;
      readonly method: string;
      readonly pathWithQuery: string;
      readonly scriptName: string;
      /** How long it has waited for its place. */
      readonly queuedMs: number;
      readonly hidden: readonly string[];
      /** Values in base64. */
      readonly added: readonly (readonly [name: string, value: string])[];
    }
  /** Its body is the event, its answer a {@link HandedAnswer}, in V8's serialization. */
  | {
      readonly kind: 'question';
      readonly trigger: Exclude<UsageTrigger, 'http' | 'invoke' | 'unknown'>;
      readonly contentType: string;
      readonly maxAnswerBytes: number;
      readonly timeoutMs: number;
    }
  /** Its body is an EventInvocation, its answer an EventOutcome, both in V8's serialization. */
  | { readonly kind: 'delivery' }
);

export type HandedAnswer =
  | { readonly kind: 'answer'; readonly answer: HandedEventAnswer }
  | { readonly kind: 'failure'; readonly error: ErrorMessage };

export interface HandedEventAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Uint8Array;
}

export function encodeCall(call: HandedCall): string {
  return Buffer.from(JSON.stringify(call)).toString('base64');
}

export function decodeCall(text: string): HandedCall {
  return JSON.parse(Buffer.from(text, 'base64').toString()) as HandedCall;
}
