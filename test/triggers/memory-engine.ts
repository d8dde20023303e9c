/**
 * A queue engine that is obviously right: lists in memory, looked through from the start each time. What the tests of consumers run on where they
 * are about consumers; the simulation runs on the real one as well.
 */
import { MayflyError } from '../../host/errors/errors.ts';
import type { MessageId } from '../../host/model/ids.ts';
import { type QueueId, type QueueSettings, queueKey } from '../../host/model/queue.ts';
import type {
  DeadLetter,
  MessageCause,
  NewMessage,
  QueueCounts,
  QueueMessage,
  SentMessage,
} from '../../host/model/queue-message.ts';
import {
  type Claim,
  type ClaimOptions,
  LEASE_EXPIRED,
  type QueueEngine,
  type Settlement,
} from '../../host/store/queues/queue-engine.ts';
import type { TriggerClock } from '../../host/triggers/ports.ts';

interface Kept {
  readonly message: NewMessage;
  readonly id: MessageId;
  readonly sentAtMs: number;
  attempts: number;
  readyAtMs: number;
  lastCause: MessageCause | undefined;
  lease: string | undefined;
  dead: { readonly cause: MessageCause; readonly atMs: number } | undefined;
}

interface Held {
  readonly ids: Set<MessageId>;
  expiresAtMs: number;
  cancel: () => void;
}

interface Queue {
  readonly kept: Kept[];
  readonly claims: Map<string, Held>;
  readonly deduplication: Map<string, { readonly id: MessageId; readonly untilMs: number }>;
  readonly listeners: Set<() => void>;
}

export class MemoryEngine implements QueueEngine {
  readonly #clock: TriggerClock;
  readonly #queues = new Map<string, Queue>();
  #next = 1;

  constructor(clock: TriggerClock) {
    this.#clock = clock;
  }

  async send(
    queue: QueueId,
    settings: QueueSettings,
    messages: readonly NewMessage[],
  ): Promise<SentMessage[]> {
    const at = this.#queue(queue);
    const nowMs = this.#clock.nowMs();
    return messages.map((message) => {
      const { deduplicationKey, deliverAtMs = nowMs } = message;
      const known = deduplicationKey === undefined ? undefined : at.deduplication.get(deduplicationKey);
      if (known !== undefined && known.untilMs > nowMs) return { id: known.id, isDuplicate: true };
      const id = `00000000-0000-7000-8000-${`${this.#next++}`.padStart(12, '0')}` as MessageId;
      if (deduplicationKey !== undefined)
        at.deduplication.set(deduplicationKey, { id, untilMs: nowMs + settings.deduplicationMs });
      const fresh = { attempts: 0, lastCause: undefined, lease: undefined, dead: undefined };
      at.kept.push({ message, id, sentAtMs: nowMs, readyAtMs: deliverAtMs, ...fresh });
      this.#tellWhen(at, deliverAtMs);
      return { id, isDuplicate: false };
    });
  }

  async claim(queue: QueueId, options: ClaimOptions): Promise<readonly Claim[]> {
    const given: Claim[] = [];
    for (let left = options.claims ?? 1; left > 0; left--) {
      const one = this.#claimOne(queue, options);
      if (one === undefined) break;
      given.push(one);
    }
    return given;
  }

  #claimOne(
    queue: QueueId,
    { maxMessages, maxBytes, maxClaims, visibilityMs }: ClaimOptions,
  ): Claim | undefined {
    const at = this.#queue(queue);
    if (at.claims.size >= maxClaims) return undefined;
    const closed = new Set<string>();
    for (const { message, lease } of at.kept)
      if (lease !== undefined && message.groupKey !== undefined) closed.add(message.groupKey);
    const nowMs = this.#clock.nowMs();
    const taken: Kept[] = [];
    let bytes = 0;
    for (const one of at.kept) {
      const { groupKey, body } = one.message;
      if (
        one.dead !== undefined ||
        one.lease !== undefined ||
        (groupKey !== undefined && closed.has(groupKey))
      )
        continue;
      const fits = taken.length === 0 || (taken.length < maxMessages && bytes + body.length <= maxBytes);
      if (!fits || one.readyAtMs > nowMs) {
        if (groupKey !== undefined) closed.add(groupKey);
        continue;
      }
      taken.push(one);
      bytes += body.length;
    }
    if (taken.length === 0) return undefined;
    const lease = `lease-${this.#next++}`;
    for (const one of taken) {
      one.lease = lease;
      one.attempts++;
    }
    const expiresAtMs = nowMs + visibilityMs;
    const cancel = this.#clock.after(visibilityMs, () => this.#expire(at, lease));
    at.claims.set(lease, { ids: new Set(taken.map(({ id }) => id)), expiresAtMs, cancel });
    return { queue, lease, expiresAtMs, messages: taken.map(asMessage) };
  }

  async extend({ queue, lease }: Claim, visibilityMs: number): Promise<boolean> {
    const at = this.#queue(queue);
    const held = at.claims.get(lease);
    if (held === undefined) return false;
    held.cancel();
    held.expiresAtMs = this.#clock.nowMs() + visibilityMs;
    held.cancel = this.#clock.after(visibilityMs, () => this.#expire(at, lease));
    return true;
  }

  async settle({ queue, lease }: Claim, settlements: readonly Settlement[]): Promise<boolean> {
    const at = this.#queue(queue);
    const held = at.claims.get(lease);
    if (held === undefined) return false;
    for (const settlement of settlements) {
      if (!held.ids.delete(settlement.id)) continue;
      this.#settleOne(at, at.kept.find(({ id }) => id === settlement.id)!, settlement);
    }
    if (held.ids.size === 0) {
      held.cancel();
      at.claims.delete(lease);
      this.#tell(at);
    }
    return true;
  }

  async counts(queue: QueueId): Promise<QueueCounts> {
    const { kept } = this.#queue(queue);
    const nowMs = this.#clock.nowMs();
    const waiting = kept.filter(({ dead, lease }) => dead === undefined && lease === undefined);
    return {
      ready: waiting.filter(({ readyAtMs }) => readyAtMs <= nowMs).length,
      delayed: waiting.filter(({ readyAtMs }) => readyAtMs > nowMs).length,
      inFlight: kept.filter(({ lease }) => lease !== undefined).length,
      dead: kept.filter(({ dead }) => dead !== undefined).length,
      oldestSentAtMs: waiting[0]?.sentAtMs,
    };
  }

  async peek(
    queue: QueueId,
    state: string,
  ): Promise<{ readonly messages: readonly (QueueMessage | DeadLetter)[] }> {
    const { kept } = this.#queue(queue);
    if (state === 'dead')
      return {
        messages: kept.flatMap((one) =>
          one.dead === undefined
            ? []
            : [{ ...asMessage(one), cause: one.dead.cause, deadAtMs: one.dead.atMs }],
        ),
      };
    return { messages: kept.filter(({ dead }) => dead === undefined).map(asMessage) };
  }

  async redrive(): Promise<number> {
    throw new MayflyError('internal_error', 'Consumers do not redrive.');
  }

  async purge(): Promise<number> {
    throw new MayflyError('internal_error', 'Consumers do not purge.');
  }

  async remove(queue: QueueId): Promise<void> {
    this.#queues.delete(queueKey(queue));
  }

  onWork(queue: QueueId, listener: () => void): () => void {
    const { listeners } = this.#queue(queue);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#queues.clear();
  }

  #settleOne(at: Queue, one: Kept, settlement: Settlement): void {
    one.lease = undefined;
    switch (settlement.kind) {
      case 'done':
        at.kept.splice(at.kept.indexOf(one), 1);
        return;
      case 'retry':
        one.lastCause = settlement.cause;
        one.readyAtMs = settlement.atMs;
        this.#tellWhen(at, settlement.atMs);
        return;
      case 'release':
        one.attempts--;
        one.readyAtMs = settlement.atMs;
        this.#tellWhen(at, settlement.atMs);
        return;
      case 'dead':
        if (settlement.isUntried === true) one.attempts--;
        one.dead = { cause: settlement.cause, atMs: this.#clock.nowMs() };
    }
  }

  #expire(at: Queue, lease: string): void {
    at.claims.delete(lease);
    for (const one of at.kept) {
      if (one.lease !== lease) continue;
      one.lease = undefined;
      one.lastCause = LEASE_EXPIRED;
    }
    this.#tell(at);
  }

  #tellWhen(at: Queue, atMs: number): void {
    const delayMs = atMs - this.#clock.nowMs();
    if (delayMs <= 0) this.#tell(at);
    else this.#clock.after(Math.min(delayMs, 2 ** 31 - 1), () => this.#tell(at));
  }

  #tell(at: Queue): void {
    for (const listener of at.listeners) queueMicrotask(listener);
  }

  #queue(queue: QueueId): Queue {
    const key = queueKey(queue);
    const at = this.#queues.get(key) ?? {
      kept: [],
      claims: new Map(),
      deduplication: new Map(),
      listeners: new Set(),
    };
    this.#queues.set(key, at);
    return at;
  }
}

function asMessage({ message, id, sentAtMs, attempts, lastCause }: Kept): QueueMessage {
  return { ...message, id, sentAtMs, attempts, ...(lastCause === undefined ? {} : { lastCause }) };
}
