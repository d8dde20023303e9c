/**
 * What the brain of events gets from outside. The composition root provides it; tests drive it by hand. Everything here lives in the
 * main thread.
 */

import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { EventInvokeConfig } from '../model/event-invoke-config.ts';
import type { EventSourceMapping } from '../model/event-source-mapping.ts';
import type { FunctionName, MappingName, QueueName, ScheduleName, TenantName } from '../model/ids.ts';
import type { QueueSettings } from '../model/queue.ts';
import type { Schedule } from '../model/schedule.ts';
import type { Claim, ClaimOptions, Settlement } from '../store/queues/queue-engine.ts';

export interface TriggerClock {
  /** Milliseconds since the epoch; may jump. */
  nowMs(): number;
  /** Calls `run` once, after `delayMs` (at most 2^31-1) of a clock that does not jump. The returned call takes it back. */
  after(delayMs: number, run: () => void): () => void;
}

/** At least 0, below 1. */
export type Randomness = () => number;

/** For the operator: what went wrong that no caller is told. */
export type Report = (message: string, error?: unknown) => void;

/**
 * Asks a serving thread to run an event. Always settles: with `refused` where it was not run (the thread is gone before it
 * began, no place, a quota, quarantine, no such function, draining), with `failed` where it was.
 */
export type Deliver = (invocation: EventInvocation) => Promise<EventOutcome>;

/**
 * Where a consumer gets its messages: a queue of the engine (`queue-source.ts`), or a stream that other programs write to. What
 * `QueueEngine` says of its operations holds here as well.
 */
export interface MessageSource {
  claim(options: ClaimOptions): Promise<readonly Claim[]>;
  extend(claim: Claim, visibilityMs: number): Promise<boolean>;
  settle(claim: Claim, settlements: readonly Settlement[]): Promise<boolean>;
  /** How many messages could be handed out now, for batching windows; undefined where it is not known. */
  readyCount(): Promise<number | undefined>;
  onWork(listener: () => void): () => void;
}

export interface FunctionRef {
  readonly tenant: TenantName;
  readonly name: FunctionName;
}

/** What a consumer needs to know of a function that there is. */
export interface FunctionFacts {
  /** The live version's limit. */
  readonly timeoutMs: number;
  /** Where it may send to besides public hosts; webhooks of its outcomes may as well. */
  readonly allowedHosts: readonly string[];
  readonly invokeConfig: EventInvokeConfig;
}

/** Definitions, as the registry has them now. Listeners are called after the change. */
export interface TriggerDefinitions {
  /** Tells a tenant from earlier ones of the name. */
  generationOf(tenant: TenantName): number;
  functions(): Iterable<FunctionRef>;
  /** Undefined where there is no such function. */
  functionFacts(tenant: TenantName, name: FunctionName): FunctionFacts | undefined;
  /** Created, changed (any setting that `functionFacts` tells) or deleted. */
  onFunctionChange(listener: (tenant: TenantName, name: FunctionName) => void): () => void;
  mappings(): Iterable<EventSourceMapping>;
  mapping(tenant: TenantName, name: MappingName): EventSourceMapping | undefined;
  onMappingChange(listener: (tenant: TenantName, name: MappingName) => void): () => void;
  /** Undefined where there is no such queue. */
  queueSettings(tenant: TenantName, name: QueueName): QueueSettings | undefined;
}

/** A tick whose message is durable. */
export interface SentTick {
  readonly tenant: TenantName;
  readonly name: ScheduleName;
  readonly tickMs: number;
}

export interface ScheduleDefinitions {
  schedules(): Iterable<Schedule>;
  schedule(tenant: TenantName, name: ScheduleName): Schedule | undefined;
  onScheduleChange(listener: (tenant: TenantName, name: ScheduleName) => void): () => void;
  /** Keeps `lastTickMs`, in one transaction; neither `updatedAtMs` nor a change that listeners hear of. One that is gone is skipped. */
  saveTicks(ticks: readonly SentTick[]): void | Promise<void>;
}

/** POSTs a destination's record (`webhook-client.ts`). Rejects where nothing came back; redirects are not followed. */
export interface WebhookSender {
  /** @param from whose outcome it is: its connections are shared with nobody else's, its `allowedHosts` hold */
  post(
    from: FunctionRef,
    url: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<{ readonly status: number }>;
}

/**
 * Key that signs what a function sends to webhooks, in Standard Webhooks' form: `whsec_` and base64. Undefined: it is sent
 * without a signature.
 */
export type WebhookSecret = (from: FunctionRef) => string | undefined;
