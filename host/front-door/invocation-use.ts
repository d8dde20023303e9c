import { type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { InvocationResult } from '../instance/engine.ts';
import type { InvocationId } from '../model/ids.ts';
import type { InvocationTrace } from '../model/invocation-trace.ts';
import { type InvocationUse, type UsageTrigger, useOfRefused } from '../model/usage-record.ts';

/** What is known of an invocation before it runs. */
export interface InvocationCause {
  readonly invocationId: InvocationId;
  readonly trigger: UsageTrigger;
  /** 1 unless it is given. */
  readonly attempt?: number;
  readonly batchSize?: number;
  readonly trace?: InvocationTrace | undefined;
  /** Trace contexts of a batch's messages, as `traceparent`. */
  readonly links?: readonly string[];
}

/** What is known of it beside the engine's account. */
export interface InvocationEnd {
  /** Why its caller got no answer of the function, where it did not. */
  readonly failure: ErrorCode | undefined;
  /** Before the engine had it. */
  readonly queueMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Of a request through the front door, for its span. */
  readonly http?: { readonly method: string; readonly path: string; readonly status: number };
}

export function useOf(cause: InvocationCause, result: InvocationResult, end: InvocationEnd): InvocationUse {
  return {
    invocationId: cause.invocationId,
    attempt: cause.attempt ?? 1,
    trigger: cause.trigger,
    outcome: end.failure ?? 'returned',
    endedAtMs: Date.now(),
    fuel: result.fuel,
    peakMemoryBytes: result.peakMemoryBytes,
    queueUs: Math.round((end.queueMs + result.queueMs) * 1_000),
    initUs: Math.round(result.initMs * 1_000),
    execUs: Math.max(Math.round(result.execMs * 1_000), 0),
    start: result.start,
    requestBytes: end.requestBytes,
    responseBytes: end.responseBytes,
    immediateCalls: result.immediateCalls,
    waitingCalls: result.waitingCalls,
    hostCalls: result.hostCalls,
    outboundRequests: result.outbound.requests,
    outboundSentBytes: result.outbound.sentBytes,
    outboundReceivedBytes: result.outbound.receivedBytes,
    logBytes: result.logBytes,
    batchSize: cause.batchSize ?? 1,
  };
}

/** Of an invocation that got a place and never began. */
export function useOfFailure(
  { attempt = 1, batchSize = 1, ...cause }: InvocationCause,
  error: unknown,
): InvocationUse {
  const code = error instanceof MayflyError ? error.code : 'internal_error';
  return useOfRefused({ ...cause, attempt, batchSize }, code, Date.now());
}
