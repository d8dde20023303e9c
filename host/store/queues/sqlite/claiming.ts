/**
 * Claims: taking messages, and what becomes of them.
 *
 * A claim is one row whatever its size, and its messages' rows stay as they are until they are settled; so a message that is
 * handled at the first attempt is written twice (sent, gone) and never in between. What a crash leaves is read from the rows of the claims.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MessageId } from '../../../model/ids.ts';
import type { QueueMessage } from '../../../model/queue-message.ts';
import { CLAIMED_AT_ONCE, type ClaimOptions, LEASE_EXPIRED, type Settlement } from '../queue-engine.ts';
import { type Row, toMessage } from './message-rows.ts';
import type { Held, HeldClaim, QueueState } from './queue-state.ts';
import type { WaitingMessages } from './waiting-messages.ts';

const LEASE_EXPIRED_TEXT = JSON.stringify(LEASE_EXPIRED);

/** Rows read at once: a quarter less work than row by row, and at most that many bodies are read that do not fit. */
const READ_AHEAD = 10;

export interface Taken {
  readonly lease: string;
  readonly expiresAtMs: number;
  readonly messages: readonly QueueMessage[];
}

export class Claiming {
  readonly #waiting: WaitingMessages;
  readonly #available: StatementSync;
  readonly #followers: StatementSync;
  readonly #withdraw: StatementSync;
  readonly #insert: StatementSync;
  readonly #shrink: StatementSync;
  readonly #extend: StatementSync;
  readonly #end: StatementSync;
  readonly #done: StatementSync;
  readonly #retry: StatementSync;
  readonly #release: StatementSync;

  constructor(database: DatabaseSync, waiting: WaitingMessages) {
    this.#waiting = waiting;
    const prepare = (sql: string): StatementSync => database.prepare(sql);
    // CROSS: SQLite keeps the order of the tables, so that it reads `available` from its front.
    this.#available = prepare(
      `SELECT m.* FROM available a CROSS JOIN messages m ON m.queue = a.queue AND m.seq = a.seq
       WHERE a.queue = ? AND a.seq > ? ORDER BY a.seq LIMIT ?`,
    );
    this.#followers = prepare(
      'SELECT * FROM messages WHERE queue = ? AND group_key = ? AND seq > ? ORDER BY seq LIMIT ?',
    );
    this.#withdraw = prepare('DELETE FROM available WHERE queue = ? AND seq <= ?');
    this.#insert = prepare('INSERT INTO claims VALUES (NULL, ?, ?, ?)');
    this.#shrink = prepare('UPDATE claims SET seqs = ? WHERE id = ?');
    this.#extend = prepare('UPDATE claims SET expires_at_ms = ? WHERE id = ?');
    this.#end = prepare('DELETE FROM claims WHERE id = ?');
    this.#done = prepare('DELETE FROM messages WHERE queue = ? AND seq = ?');
    this.#retry = prepare(
      'UPDATE messages SET due_ms = ?, attempts = ?, last_cause = ? WHERE queue = ? AND seq = ?',
    );
    this.#release = prepare('UPDATE messages SET due_ms = ? WHERE queue = ? AND seq = ?');
  }

  /** None where there is nothing, or as many claims are held as may be. The queue is up to date. */
  claim(state: QueueState, options: ClaimOptions, nowMs: number): Taken[] {
    const { claims = 1, maxMessages } = options;
    const wanted = Math.min(claims, Math.floor(CLAIMED_AT_ONCE / maxMessages));
    const given: Taken[] = [];
    let largest = 0;
    let maxBytes = options.maxBytes;
    do {
      const one = this.#claimOne(state, { ...options, maxBytes }, nowMs, given.length === 0);
      if (one === undefined) break;
      given.push(one);
      const bytes = one.messages.reduce((sum, { body }) => sum + body.length, 0);
      largest = Math.max(largest, bytes);
      maxBytes -= bytes;
      // One more only where it is likely to be whole.
    } while (given.length < wanted && given.at(-1)!.messages.length === maxMessages && largest <= maxBytes);
    return given;
  }

  /** @param isFirst whether a single message may be larger than `maxBytes` */
  #claimOne(state: QueueState, options: ClaimOptions, nowMs: number, isFirst: boolean): Taken | undefined {
    if (state.claims.size >= options.maxClaims) return undefined;
    const rows = this.#take(state, options, nowMs, isFirst);
    if (rows.length === 0) return undefined;
    const messages = new Map<MessageId, Held>();
    const taken: QueueMessage[] = [];
    for (const row of rows) {
      const attempts = (row['attempts'] as number) + 1;
      const message = toMessage(row, attempts);
      const { id, groupKey, sentAtMs } = message;
      messages.set(id, { seq: row['seq'] as number, groupKey, sentAtMs, attempts });
      taken.push(message);
    }
    const expiresAtMs = Math.ceil(nowMs + options.visibilityMs);
    const { lastInsertRowid } = this.#insert.run(state.rowId, expiresAtMs, seqsOf(messages));
    const lease = `${lastInsertRowid}`;
    state.hold(lease, { rowId: Number(lastInsertRowid), expiresAtMs, messages });
    state.waiting -= rows.length;
    state.isDirty = true;
    return { lease, expiresAtMs, messages: taken };
  }

  extend(state: QueueState, lease: string, visibilityMs: number, nowMs: number): boolean {
    const claim = holding(state, lease, nowMs);
    if (claim === undefined) return false;
    claim.expiresAtMs = Math.ceil(nowMs + visibilityMs);
    state.due.leaseMs = Math.min(state.due.leaseMs, claim.expiresAtMs);
    this.#extend.run(claim.expiresAtMs, claim.rowId);
    return true;
  }

  settle(state: QueueState, lease: string, settlements: readonly Settlement[], nowMs: number): boolean {
    const claim = holding(state, lease, nowMs);
    if (claim === undefined) return false;
    const freed: string[] = [];
    for (const settlement of settlements) {
      const held = claim.messages.get(settlement.id);
      if (held === undefined) continue;
      if (state.letGo(claim, settlement.id, held)) freed.push(held.groupKey!);
      this.#settleOne(state, held, settlement, nowMs);
    }
    for (const groupKey of freed) this.#waiting.offerHead(state, groupKey);
    if (claim.messages.size > 0) this.#shrink.run(seqsOf(claim.messages), claim.rowId);
    else this.#finish(state, lease, claim);
    return true;
  }

  /** Gives back what a claim still has, each attempt counted. How many messages. */
  expire(state: QueueState, lease: string, claim: HeldClaim, nowMs: number): number {
    const given = claim.messages.size;
    const freed: string[] = [];
    for (const [id, held] of claim.messages) {
      if (state.letGo(claim, id, held)) freed.push(held.groupKey!);
      this.#retry.run(0, held.attempts, LEASE_EXPIRED_TEXT, state.rowId, held.seq);
      this.#giveBack(state, held, 0, nowMs);
    }
    for (const groupKey of freed) this.#waiting.offerHead(state, groupKey);
    this.#finish(state, lease, claim);
    return given;
  }

  /** From the front of `available`, and then what follows in the groups that were met there. Of a group in order. */
  #take(state: QueueState, { maxMessages, maxBytes }: ClaimOptions, nowMs: number, isFirst: boolean): Row[] {
    const rows: Row[] = [];
    let bytes = 0;
    const fits = (row: Row): boolean => {
      const size = (row['body'] as Uint8Array).length;
      if (bytes + size > maxBytes && (rows.length > 0 || !isFirst)) return false;
      bytes += size;
      rows.push(row);
      return true;
    };
    let isFull = false;
    for (let place = 0, isLast = false; !isLast && !isFull; ) {
      const most = Math.min(READ_AHEAD, maxMessages - rows.length);
      const next = this.#available.all(state.rowId, place, most);
      isFull = !next.every(fits);
      isLast = next.length < most || rows.length === maxMessages;
      place = (next.at(-1)?.['seq'] as number | undefined) ?? place;
    }
    const last = rows.at(-1)?.['seq'] as number | undefined;
    if (last === undefined) return rows;
    this.#withdraw.run(state.rowId, last);
    const heads = isFull ? [] : rows.filter((row) => row['group_key'] !== null);
    for (const head of heads) {
      const left = maxMessages - rows.length;
      if (left === 0) break;
      const group = head['group_key'] as string;
      for (const row of this.#followers.iterate(state.rowId, group, head['seq'] as number, left)) {
        if ((row['due_ms'] as number) > nowMs || !fits(row)) break;
      }
    }
    return rows.length > 1 ? rows.sort((a, b) => (a['seq'] as number) - (b['seq'] as number)) : rows;
  }

  #settleOne(state: QueueState, held: Held, settlement: Settlement, nowMs: number): void {
    const { rowId } = state;
    if (settlement.kind === 'done') {
      this.#done.run(rowId, held.seq);
    } else if (settlement.kind === 'dead') {
      this.#waiting.bury(state, held.seq, settlement.isUntried === true ? 0 : 1, settlement.cause, nowMs);
    } else {
      const dueMs = settlement.atMs > nowMs ? Math.ceil(settlement.atMs) : 0;
      if (settlement.kind === 'release') this.#release.run(dueMs, rowId, held.seq);
      else this.#retry.run(dueMs, held.attempts, JSON.stringify(settlement.cause), rowId, held.seq);
      this.#giveBack(state, held, dueMs, nowMs);
    }
  }

  #giveBack(state: QueueState, { seq, groupKey, sentAtMs }: Held, dueMs: number, nowMs: number): void {
    this.#waiting.add(state, { seq, dueMs, groupKey }, nowMs);
    state.due.expiryMs = Math.min(state.due.expiryMs, sentAtMs + state.settings.retentionMs);
  }

  #finish(state: QueueState, lease: string, { rowId }: HeldClaim): void {
    this.#end.run(rowId);
    state.claims.delete(lease);
    state.hasNews = true;
  }
}

function holding(state: QueueState, lease: string, nowMs: number): HeldClaim | undefined {
  const claim = state.claims.get(lease);
  return claim !== undefined && claim.expiresAtMs > nowMs ? claim : undefined;
}

function seqsOf(messages: ReadonlyMap<MessageId, Held>): string {
  return `[${[...messages.values()].map(({ seq }) => seq).join()}]`;
}
