/**
 * What passes between the main thread and a serving thread: tagged unions, plain data only. A call carries an
 * id and gets one answer with that id; everything else is a notice.
 */
import type { ControlBackend } from '../control-plane/backend.ts';
import type { ErrorMessage } from '../errors/errors.ts';
import type { ArtifactMessage } from '../instance/artifact.ts';
import type { RoadWish } from '../instance/rewind/road.ts';
import type { FunctionLimitValues } from '../limits/limits.ts';
import type { KeyVerifier } from '../model/api-key.ts';
import type { EventOutcome } from '../model/event-invocation.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from '../model/ids.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { Quarantine } from '../model/quarantine.ts';
import type { Tenant } from '../model/tenant.ts';
import type { ThreadTelemetry } from '../model/thread-telemetry.ts';
import type { TraceSampling } from '../model/trace-sampling.ts';
import type { UsageBatch } from '../model/usage-batch.ts';
import type { QuotaTableBuffers } from '../scheduler/quota-table.ts';
import type { StoredLogRecord } from '../store/log-store.ts';
import type { FunctionId } from '../store/recent-functions.ts';
import type { LedgerWords } from './connection-ledger.ts';
import type { PackedEvents } from './packed-events.ts';

/** A live function, its tenant, the columns of both in the quota table, and whether its version is quarantined. */
export interface ResolvedFunction {
  readonly live: LiveFunction;
  readonly tenant: Tenant;
  readonly tenantColumn: number;
  readonly functionColumn: number;
  readonly quarantine?: Quarantine;
  /** Of an isolated tenant: where its process listens, and under which change count (set by the route cache) this is known. */
  readonly process?: { readonly socketPath: string; readonly count: number };
}

/** What the main thread does for serving threads. */
export interface HostServices extends ControlBackend {
  resolve(request: { tenant: TenantName; name: FunctionName }): Promise<ResolvedFunction | undefined>;
  artifact(request: { key: string }): Promise<ArtifactMessage>;
  /** For shares of the thread: undefined where there is no such tenant. */
  tenant(request: { tenant: TenantName }): Promise<Tenant | undefined>;
  verifier(request: { id: string }): Promise<KeyVerifier | undefined>;
  keyUsed(request: { id: string }): Promise<void>;
}

export type ServiceName = keyof HostServices;

/** Given to a thread when it is made. */
export interface WorkerData {
  readonly host: string;
  /** As in the configuration. */
  readonly functionsUrl?: string | undefined;
  readonly traceUrl?: string | undefined;
  readonly stagingDir: string;
  readonly adminKey: string;
  readonly componentBytes: number;
  readonly ceilings: FunctionLimitValues;
  readonly quotaTable: QuotaTableBuffers;
  /** Absent where connections cannot be kept open for a thread that died. */
  readonly ledger?: LedgerWords | undefined;
  readonly connections: number;
  readonly changes: SharedArrayBuffer;
  /** A note per thread (instance/guest-note.ts). */
  readonly notes: SharedArrayBuffer;
  readonly rewind: RoadWish;
  /** This thread's share of the instances that lie ready. */
  readonly idleMemoryBytes: number;
  readonly idleSlots: number;
  readonly tracing: TraceSampling;
  /** Opens `/metrics` and nothing else. */
  readonly scrapeToken?: string;
}

export interface ReturnedOutcome {
  readonly id: InvocationId;
  readonly outcome: EventOutcome;
}

/** Which thread it is from now on, and what to listen on. */
export interface ServeOrder {
  readonly kind: 'serve';
  readonly thread: number;
  /** 0 for the first thread if the system is to choose; the others then listen on what it got. */
  readonly port: number;
}

/** Somebody may call this function soon. */
export interface PrepareOrder extends FunctionId {
  /** Or may not: it runs on another artifact now, and is made ready where it was. */
  readonly isRenewal?: boolean;
}

export type ToWorker =
  /** The first of all. */
  | ServeOrder
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: ErrorMessage }
  /** Of a call that is not answered yet. */
  | { readonly kind: 'progress'; readonly id: number; readonly value: unknown }
  /** Accept nothing new, finish what runs, end what runs longer than `timeoutMs`, then say `drained`. */
  | { readonly kind: 'drain'; readonly timeoutMs: number }
  /** Run these events, and answer each in a `delivered` with the same id. */
  | { readonly kind: 'deliver'; readonly parcels: readonly PackedEvents[] }
  | ({ readonly kind: 'prepare' } & PrepareOrder);

export type FromWorker =
  /** Its modules: it listens as soon as it is told to. */
  | { readonly kind: 'loaded' }
  | { readonly kind: 'listening'; readonly port: number }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly service: ServiceName;
      readonly request: unknown;
      /** Whether somebody listens to how it goes on. */
      readonly isFollowed: boolean;
    }
  | { readonly kind: 'logs'; readonly records: readonly LogRecord[] }
  | { readonly kind: 'usage'; readonly batch: UsageBatch }
  | ({ readonly kind: 'telemetry' } & ThreadTelemetry)
  /** Functions that the thread was called for, the last one last. */
  | { readonly kind: 'used'; readonly functions: readonly FunctionId[] }
  | { readonly kind: 'failed-to-listen'; readonly message: string; readonly code: string }
  /** Functions whose invocations were ended because the thread's heap was full. */
  | { readonly kind: 'relieved'; readonly functions: readonly FunctionVersionName[] }
  /** Answers events of `deliver`, in whatever order they ended. */
  | { readonly kind: 'delivered'; readonly outcomes: readonly ReturnedOutcome[] }
  /** The process of an isolated tenant has broken off an answer, or was lost while it ran this. */
  | { readonly kind: 'lost'; readonly socketPath: string; readonly invocation: LostInvocation }
  /** It has not said what came of an invocation whose time is up. */
  | { readonly kind: 'overdue'; readonly socketPath: string }
  | { readonly kind: 'drained' };

export interface FunctionVersionName {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly version: number;
}

export interface LostInvocation extends FunctionVersionName {
  readonly invocationId: InvocationId;
}

/** What passes over the channel of that name. */
export type LogNotice =
  | { readonly kind: 'records'; readonly records: readonly StoredLogRecord[] }
  /** Whoever follows a log of it has nothing more to hear: a later tenant of the name is somebody else. */
  | { readonly kind: 'tenant-gone'; readonly tenant: TenantName };

/** Every thread hears log records here while somebody follows a log. */
export const LOG_CHANNEL = 'mayfly:logs';
