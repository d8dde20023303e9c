/** What passes between the main thread and the ledger's thread: tagged unions, plain data only. */
import type { ErrorMessage } from '../errors/errors.ts';
import type { TenantName } from '../model/ids.ts';
import type { UsageBatch } from '../model/usage-batch.ts';
import type { UsageRecord } from '../model/usage-record.ts';
import type { RollupLevel, UsageRollup } from '../model/usage-rollup.ts';
import type { LatencyHistogram } from './latency-histogram.ts';
import type { UsageRetention } from './ledger.ts';
import type { LevelCheck } from './usage-check.ts';
import type { UsageCursor, UsagePage, UsageRange } from './usage-pages.ts';

/** A tenant as the ledger knows it: not an earlier one of its name. */
export interface LedgerTenant {
  readonly tenant: TenantName;
  readonly generation: number;
}

export interface LedgerMonth extends LedgerTenant {
  /** Months since the year 0, UTC. */
  readonly month: number;
}

/** What a bill is made of, of one version of a function. */
export interface BilledUse {
  readonly name: string;
  readonly version: number;
  readonly invocations: bigint;
  readonly fuel: bigint;
  readonly memoryTimeKiBMs: bigint;
  readonly egressBytes: bigint;
}

export interface PageRequest {
  readonly range: UsageRange;
  readonly limit: number;
  readonly after?: UsageCursor;
}

/** What the ledger's thread answers. Reads see what was appended before them. */
export interface LedgerService {
  records(request: PageRequest): UsagePage<UsageRecord>;
  rollups(request: PageRequest & { readonly level: RollupLevel }): UsagePage<UsageRollup>;
  /** Of the month's roll-ups. */
  billedUse(request: LedgerMonth): readonly BilledUse[];
  /** Whose usage the month has, gone tenants among them; by name, then in the order in which they were there. */
  tenantsOf(month: number): readonly LedgerTenant[];
  check(request: LedgerMonth): readonly LevelCheck[];
  latencies(range: UsageRange): LatencyHistogram;
}

export interface LedgerThreadData {
  readonly path: string;
  readonly retention: UsageRetention;
}

export type ToLedger =
  | { readonly kind: 'append'; readonly batch: UsageBatch }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly method: keyof LedgerService;
      readonly request: unknown;
    }
  /** Copies the file to a new one; answered when it is there, after all that was appended before is in it. */
  | { readonly kind: 'copy'; readonly id: number; readonly path: string }
  /** The copy that is under way is refused. */
  | { readonly kind: 'stop-copy' }
  | { readonly kind: 'close' };

export type FromLedger =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed-to-open'; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: ErrorMessage; readonly reason: string }
  /** How far a copy is. */
  | { readonly kind: 'copied'; readonly id: number; readonly bytes: number; readonly totalBytes: number }
  /** Records are on the disk, of these tenants among others. */
  | { readonly kind: 'committed'; readonly records: number; readonly tenants: readonly LedgerTenant[] }
  /** So many records are lost: the ledger does not take them, or there is no memory for them to wait in. */
  | { readonly kind: 'dropped'; readonly records: number }
  /** For the operator. */
  | { readonly kind: 'report'; readonly message: string };
