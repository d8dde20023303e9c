/**
 * What time does to a queue: leases expire, delays end, messages become too old, dead letters go. Done in slices, when a timer says so
 * or somebody is about to look; whoever looks at a queue that is up to date sees it as of now.
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { MESSAGE_EXPIRED } from '../queue-engine.ts';
import type { Claiming } from './claiming.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { QueueState } from './queue-state.ts';
import { toWaiting, type WaitingMessage, type WaitingMessages } from './waiting-messages.ts';

/** Messages that one slice moves: about 3 ms. A claim is given back whole. */
const SLICE = 300;

const MESSAGE_EXPIRED_TEXT = JSON.stringify(MESSAGE_EXPIRED);

export class Upkeep {
  readonly #waiting: WaitingMessages;
  readonly #claiming: Claiming;
  readonly #deadLetters: DeadLetters;
  readonly #oldest: StatementSync;

  constructor(
    database: DatabaseSync,
    waiting: WaitingMessages,
    claiming: Claiming,
    deadLetters: DeadLetters,
  ) {
    this.#waiting = waiting;
    this.#claiming = claiming;
    this.#deadLetters = deadLetters;
    this.#oldest = database.prepare(
      'SELECT seq, sent_at_ms, due_ms, group_key FROM messages WHERE queue = ? ORDER BY seq',
    );
  }

  /** Does one slice. True if the queue is up to date. */
  run(state: QueueState, nowMs: number): boolean {
    const { due } = state;
    let left = SLICE;
    if (due.leaseMs <= nowMs) left -= this.#expireLeases(state, nowMs, left);
    if (due.delayedMs <= nowMs && left > 0) left -= this.#waiting.promote(state, nowMs, left);
    if (due.expiryMs <= nowMs && left > 0) left -= this.#expireMessages(state, nowMs, left);
    if (due.deadExpiryMs <= nowMs && left > 0) this.#deadLetters.expire(state, nowMs, left);
    return state.wakeAtMs > nowMs;
  }

  #expireLeases(state: QueueState, nowMs: number, most: number): number {
    let given = 0;
    state.due.leaseMs = Infinity;
    for (const [lease, claim] of state.claims) {
      if (claim.expiresAtMs <= nowMs && given < most) {
        given += this.#claiming.expire(state, lease, claim, nowMs);
      } else {
        state.due.leaseMs = Math.min(state.due.leaseMs, claim.expiresAtMs);
      }
    }
    return given;
  }

  #expireMessages(state: QueueState, nowMs: number, most: number): number {
    const { retentionMs } = state.settings;
    const expired: WaitingMessage[] = [];
    state.due.expiryMs = Infinity;
    for (const row of this.#oldest.iterate(state.rowId)) {
      if (state.inFlight.has(row['seq'] as number)) continue;
      const expiresAtMs = (row['sent_at_ms'] as number) + retentionMs;
      if (expiresAtMs > nowMs || expired.length === most) {
        state.due.expiryMs = expiresAtMs;
        break;
      }
      expired.push(toWaiting(row));
    }
    for (const message of expired) this.#waiting.expire(state, message, MESSAGE_EXPIRED_TEXT, nowMs);
    return expired.length;
  }
}
