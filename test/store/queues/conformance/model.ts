/**
 * A queue as its interface describes it, in the simplest way: a list of messages. It does not say what an engine hands out, only whether it
 * may, and what must be so afterwards.
 *
 * Time is an interval: where an engine runs by the real clock, what was due between asking and hearing may have happened or not.
 */
import type { MessageId } from '../../../../host/model/ids.ts';
import type { MessageCause, NewMessage } from '../../../../host/model/queue-message.ts';
import { type Claim, LEASE_EXPIRED, type Settlement } from '../../../../host/store/queues/queue-engine.ts';
import { textOf } from './harness.ts';

interface Entry {
  readonly id: MessageId;
  readonly text: string;
  readonly groupKey: string | undefined;
  attempts: number;
  lastCause: MessageCause | undefined;
  dueMs: number;
  lease: string | undefined;
  isDead: boolean;
}

interface Lease {
  expiresAtMs: number;
}

export class QueueModel {
  /** In the order in which they were sent. Gone messages are taken out. */
  #entries: Entry[] = [];
  readonly #leases = new Map<string, Lease>();
  /** Claims all of whose messages were settled: what a late settle of them is answered is not said, only that it does nothing. */
  readonly #ended = new Set<string>();

  send(id: MessageId, message: NewMessage): void {
    this.#entries.push({
      id,
      text: textOf(message),
      groupKey: message.groupKey,
      attempts: 0,
      lastCause: undefined,
      dueMs: message.deliverAtMs ?? 0,
      lease: undefined,
      isDead: false,
    });
  }

  /** Complaints about what was handed out, or about nothing having been. */
  claimed(claim: Claim | undefined, maxClaims: number, fromMs: number, toMs: number): string[] {
    this.#expire(fromMs);
    if (claim === undefined) {
      const isFull = this.#leases.size >= maxClaims;
      const available = this.#entries.find((entry) => this.#isAvailable(entry, fromMs));
      return isFull || available === undefined ? [] : [`${available.text} could have been handed out`];
    }
    const complaints: string[] = [];
    // Whatever may have expired meanwhile has, as far as it explains what is seen.
    if (this.#leases.size >= maxClaims || claim.messages.some(({ id }) => this.#mustExpire(id, toMs))) {
      this.#expire(toMs);
    }
    if (this.#leases.size >= maxClaims) complaints.push(`more than ${maxClaims} claims`);
    this.#leases.set(claim.lease, { expiresAtMs: claim.expiresAtMs });
    for (const message of claim.messages) {
      const entry = this.#entries.find(({ id }) => id === message.id);
      if (entry === undefined) {
        complaints.push(`${textOf(message)} is gone`);
        continue;
      }
      if (!this.#isAvailable(entry, toMs, claim.lease)) complaints.push(`${entry.text} is not available`);
      entry.lease = claim.lease;
      entry.attempts++;
      const expected = [entry.text, entry.groupKey, entry.attempts, entry.lastCause?.code];
      const actual = [textOf(message), message.groupKey, message.attempts, message.lastCause?.code];
      if (`${actual}` !== `${expected}`) complaints.push(`is ${actual}, should be ${expected}`);
    }
    return complaints;
  }

  extended(claim: Claim, answer: boolean, expiresAtMs: number, fromMs: number, toMs: number): string[] {
    const complaints = this.#answered(claim, answer, fromMs, toMs);
    const lease = this.#leases.get(claim.lease);
    if (answer && lease) lease.expiresAtMs = expiresAtMs;
    return complaints;
  }

  settled(
    claim: Claim,
    settlements: readonly Settlement[],
    answer: boolean,
    fromMs: number,
    toMs: number,
  ): string[] {
    const complaints = this.#answered(claim, answer, fromMs, toMs);
    if (!answer) return complaints;
    for (const settlement of settlements) {
      const entry = this.#entries.find(({ id, lease }) => id === settlement.id && lease === claim.lease);
      if (entry === undefined) continue;
      entry.lease = undefined;
      if (settlement.kind === 'done') this.#entries = this.#entries.filter((other) => other !== entry);
      else if (settlement.kind === 'dead') entry.isDead = true;
      else {
        entry.dueMs = settlement.atMs;
        if (settlement.kind === 'retry') entry.lastCause = settlement.cause;
        else entry.attempts--;
      }
    }
    if (!this.#entries.some(({ lease }) => lease === claim.lease)) {
      this.#leases.delete(claim.lease);
      this.#ended.add(claim.lease);
    }
    return complaints;
  }

  /** Ready, delayed, in flight, dead; undefined where it hangs on what the time was between. */
  counts(fromMs: number, toMs: number): number[] | undefined {
    const borders = [
      ...this.#entries.map(({ dueMs }) => dueMs),
      ...[...this.#leases.values()].map(({ expiresAtMs }) => expiresAtMs),
    ];
    if (borders.some((ms) => ms > fromMs && ms <= toMs)) return undefined;
    this.#expire(toMs);
    const waiting = this.#entries.filter(({ lease, isDead }) => lease === undefined && !isDead);
    const ready = waiting.filter(({ dueMs }) => dueMs <= toMs).length;
    const dead = this.#entries.filter(({ isDead }) => isDead).length;
    return [ready, waiting.length - ready, this.#entries.length - waiting.length - dead, dead];
  }

  #answered(claim: Claim, answer: boolean, fromMs: number, toMs: number): string[] {
    if (this.#ended.has(claim.lease)) return [];
    const lease = this.#leases.get(claim.lease);
    const expiresAtMs = lease?.expiresAtMs ?? 0;
    if (!answer && lease && expiresAtMs <= toMs) this.#expire(expiresAtMs);
    if (answer && expiresAtMs <= fromMs) return [`an expired lease was not refused`];
    if (!answer && expiresAtMs > toMs) return [`a lease was refused that holds`];
    return [];
  }

  #mustExpire(id: MessageId, toMs: number): boolean {
    const entry = this.#entries.find((other) => other.id === id);
    if (entry === undefined) return false;
    const rivals = this.#entries.filter((other) => other === entry || isSameGroup(other, entry));
    return rivals.some(({ lease }) => (this.#leases.get(lease ?? '')?.expiresAtMs ?? Infinity) <= toMs);
  }

  #expire(nowMs: number): void {
    for (const [id, { expiresAtMs }] of this.#leases) {
      if (expiresAtMs > nowMs) continue;
      this.#leases.delete(id);
      for (const entry of this.#entries.filter(({ lease }) => lease === id)) {
        entry.lease = undefined;
        entry.lastCause = LEASE_EXPIRED;
        entry.dueMs = 0;
      }
    }
  }

  #isAvailable(entry: Entry, nowMs: number, by?: string): boolean {
    if (entry.isDead || entry.lease !== undefined || entry.dueMs > nowMs) return false;
    const group = this.#entries.filter((other) => isSameGroup(other, entry) && !other.isDead);
    const earlier = group.slice(0, group.indexOf(entry));
    return (
      earlier.every(({ lease }) => lease !== undefined && lease === by) &&
      group.every(({ lease }) => lease === undefined || lease === by)
    );
  }
}

function isSameGroup(one: Entry, other: Entry): boolean {
  return one.groupKey !== undefined && one.groupKey === other.groupKey;
}
