/**
 * What the engine keeps of one queue in memory: its row, its claims, and when something of it is due. All of it follows from the
 * tables; where a transaction fails, the state is thrown away and read again.
 */
import type { MessageId } from '../../../model/ids.ts';
import type { QueueSettings } from '../../../model/queue.ts';
import type { Row } from './message-rows.ts';

/** A message in flight, without what its row has. */
export interface Held {
  readonly seq: number;
  readonly groupKey: string | undefined;
  readonly sentAtMs: number;
  /** This one included. */
  readonly attempts: number;
}

export interface HeldClaim {
  readonly rowId: number;
  expiresAtMs: number;
  readonly messages: Map<MessageId, Held>;
}

/** Lower bounds of the next time at which there is something to do; exact after upkeep. */
export interface DueTimes {
  leaseMs: number;
  delayedMs: number;
  expiryMs: number;
  deadExpiryMs: number;
}

export class QueueState {
  readonly rowId: number;
  readonly key: string;
  settings: QueueSettings;
  nextSeq: number;
  /** Ready and delayed; delayed alone; dead letters. */
  waiting: number;
  delayed: number;
  dead: number;
  /** By lease. */
  readonly claims = new Map<string, HeldClaim>();
  readonly inFlight = new Set<number>();
  /** Messages in flight per group; a group that is here gives nothing to another claim. */
  readonly busyGroups = new Map<string, number>();
  readonly due: DueTimes = { leaseMs: 0, delayedMs: 0, expiryMs: 0, deadExpiryMs: 0 };
  /** Whether its row has to be written. */
  isDirty = false;
  /** Whether a claim may give something that it did not give before. */
  hasNews = false;

  constructor(row: Row) {
    this.rowId = row['id'] as number;
    this.key = row['key'] as string;
    this.settings = {
      retentionMs: row['retention_ms'] as number,
      deduplicationMs: row['deduplication_ms'] as number,
      deadLetterRetentionMs: row['dead_letter_retention_ms'] as number,
    };
    this.nextSeq = row['next_seq'] as number;
    this.waiting = row['waiting'] as number;
    this.delayed = row['delayed'] as number;
    this.dead = row['dead'] as number;
  }

  get wakeAtMs(): number {
    const { leaseMs, delayedMs, expiryMs, deadExpiryMs } = this.due;
    return Math.min(leaseMs, delayedMs, expiryMs, deadExpiryMs);
  }

  /** Takes a claim's messages as in flight. */
  hold(lease: string, claim: HeldClaim): void {
    this.claims.set(lease, claim);
    this.due.leaseMs = Math.min(this.due.leaseMs, claim.expiresAtMs);
    for (const { seq, groupKey } of claim.messages.values()) {
      this.inFlight.add(seq);
      if (groupKey !== undefined) this.busyGroups.set(groupKey, (this.busyGroups.get(groupKey) ?? 0) + 1);
    }
  }

  /** Takes one message as no longer in flight. True if its group is free now. */
  letGo(claim: HeldClaim, id: MessageId, { seq, groupKey }: Held): boolean {
    claim.messages.delete(id);
    this.inFlight.delete(seq);
    if (groupKey === undefined) return false;
    const left = (this.busyGroups.get(groupKey) ?? 1) - 1;
    if (left > 0) this.busyGroups.set(groupKey, left);
    else this.busyGroups.delete(groupKey);
    return left === 0;
  }

  /** The settings of a send hold from then on, for what is there, too. */
  apply(settings: QueueSettings): void {
    const { retentionMs, deduplicationMs, deadLetterRetentionMs } = this.settings;
    if (retentionMs !== settings.retentionMs) this.due.expiryMs = 0;
    if (deadLetterRetentionMs !== settings.deadLetterRetentionMs) this.due.deadExpiryMs = 0;
    if (
      retentionMs !== settings.retentionMs ||
      deadLetterRetentionMs !== settings.deadLetterRetentionMs ||
      deduplicationMs !== settings.deduplicationMs
    ) {
      this.settings = { ...settings };
      this.isDirty = true;
    }
  }
}
