/**
 * What one invocation consumed. Every invocation that got a place leaves one record, however it ended; what was refused
 * before that (quotas, keys, preflights) ran nothing and leaves none. docs/from-call-to-invoice.md is the normative text.
 */
import { randomUUIDv7 } from 'node:crypto';
import { ERROR_TABLE, type ErrorCode } from '../errors/errors.ts';
import { type HostCallColumn, NO_HOST_CALLS } from './host-call-kind.ts';
import type { FunctionName, InvocationId, TenantName } from './ids.ts';

/**
 * What caused an invocation. `invoke` is a call through the API that waits for the answer; `async` one that does not. It is
 * `unknown` of those that a serving thread took along.
 */
export const USAGE_TRIGGERS = [
  'http',
  'invoke',
  'async',
  'queue',
  'schedule',
  'authorizer',
  'unknown',
] as const;
export type UsageTrigger = (typeof USAGE_TRIGGERS)[number];

export type UsageOutcome = 'returned' | ErrorCode;

/**
 * `warm`: an instance lay ready. `cold`: it was made while the caller waited. `none`: it ended before it had one.
 * A function whose state cannot be put back starts cold each time.
 */
export const INSTANCE_STARTS = ['warm', 'cold', 'none'] as const;
export type InstanceStart = (typeof INSTANCE_STARTS)[number];

/** What was called: a version of a function of one tenant, and how it was metered. */
export interface UsageSubject {
  readonly tenant: TenantName;
  /** Tells the tenant from earlier ones of its name. */
  readonly generation: number;
  readonly name: FunctionName;
  readonly version: number;
  readonly artifactKey: string;
  /** The cost model that metered the code; empty where the artifact could not be loaded. */
  readonly fuelModel: string;
}

/** All amounts are whole numbers of at least 0. */
export interface InvocationUse {
  readonly invocationId: InvocationId;
  /** Deliveries of the same event before this one, plus 1; 1 for what is not tried again. */
  readonly attempt: number;
  readonly trigger: UsageTrigger;
  readonly outcome: UsageOutcome;
  /** When it settled, since the epoch: the minute, day and month that it counts for. */
  readonly endedAtMs: number;
  readonly fuel: number;
  /** Linear memory over all memories of the instance at its largest, and what structs and arrays took. */
  readonly peakMemoryBytes: number;
  /** From the arrival of its request, or of its event on the thread, until its turn came. */
  readonly queueUs: number;
  /** From then until its instance was there. */
  readonly initUs: number;
  /** From then until it settled: wall-clock time, waiting for others included. */
  readonly execUs: number;
  readonly start: InstanceStart;
  /** Of the bodies, without heads: what was read of the request, and what was handed to the caller's connection. */
  readonly requestBytes: number;
  readonly responseBytes: number;
  /** Calls of host functions, canonical built-ins included, by whether the guest could be parked in them. */
  readonly immediateCalls: number;
  readonly waitingCalls: number;
  /** The same by what they are for, for each of HOST_CALL_KINDS: they add up to the same. */
  readonly hostCalls: readonly number[];
  /** What the guest asked to send, refused requests included, and bytes of the bodies that passed. */
  readonly outboundRequests: number;
  readonly outboundSentBytes: number;
  readonly outboundReceivedBytes: number;
  readonly logBytes: number;
  /** Messages that it was given at once; 1 for a request. */
  readonly batchSize: number;
}

/** With a field for each kind of host call, as everything that is kept and shown has it. */
export interface UsageRecord
  extends UsageSubject,
    Omit<InvocationUse, 'hostCalls'>,
    Readonly<Record<HostCallColumn, number>> {}

const NOTHING_USED = {
  fuel: 0,
  peakMemoryBytes: 0,
  queueUs: 0,
  initUs: 0,
  execUs: 0,
  start: 'none',
  requestBytes: 0,
  responseBytes: 0,
  immediateCalls: 0,
  waitingCalls: 0,
  hostCalls: NO_HOST_CALLS,
  outboundRequests: 0,
  outboundSentBytes: 0,
  outboundReceivedBytes: 0,
  logBytes: 0,
} as const;

/** Of an invocation that got a place and never began: too large a request, an artifact that could not be loaded. */
export function useOfRefused(
  cause: Pick<InvocationUse, 'invocationId' | 'attempt' | 'trigger' | 'batchSize'>,
  outcome: ErrorCode,
  endedAtMs: number,
): InvocationUse {
  return { ...cause, outcome, endedAtMs, ...NOTHING_USED };
}

/** Of one whose serving thread died: nobody knows its id, nor what it used. */
export function useOfLost(endedAtMs: number): InvocationUse {
  const invocationId = randomUUIDv7() as InvocationId;
  const cause = { invocationId, attempt: 1, trigger: 'unknown', batchSize: 1 } as const;
  return useOfRefused(cause, 'worker_lost', endedAtMs);
}

/** What the host's own faults cost is nobody's bill; everything else is its tenant's, failures included. */
export function isBilled(outcome: UsageOutcome): boolean {
  return outcome === 'returned' || ERROR_TABLE[outcome].fault !== 'host';
}

/**
 * Memory x time in KiB x ms, rounded up: the peak in KiB, also rounded up, for as long as the instance was held
 * (`initUs + execUs`). At most 4 GiB x 900 s x 1000, which is below 2^53 before the division.
 */
export function memoryTimeKiBMs({
  peakMemoryBytes,
  initUs,
  execUs,
}: Pick<InvocationUse, 'peakMemoryBytes' | 'initUs' | 'execUs'>): number {
  return Math.ceil((Math.ceil(peakMemoryBytes / 1024) * (initUs + execUs)) / 1_000);
}

/** What leaves the host: bodies of answers, and of requests that the guest sent. */
export function egressBytes({
  responseBytes,
  outboundSentBytes,
}: Pick<InvocationUse, 'responseBytes' | 'outboundSentBytes'>): number {
  return responseBytes + outboundSentBytes;
}
