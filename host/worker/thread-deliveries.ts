import { randomUUIDv7 } from 'node:crypto';
import { ERROR_TABLE, type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { EventInvocation, EventOutcome } from '../model/event-invocation.ts';
import type { InvocationId } from '../model/ids.ts';
import { refusedEvent } from './event-refusal.ts';
import type { ToWorker } from './messages.ts';
import { packEvents, type ThreadEvent } from './packed-events.ts';

export interface ThreadDeliveriesPorts {
  send(message: ToWorker, transfer: readonly ArrayBuffer[]): void;
  nowMs(): number;
  /** Calls back at the end of this turn of the event loop. */
  later(run: () => void): void;
  /** Events that the thread is asked to run at a time. */
  readonly limit: number;
}

/**
 * Events that one serving thread was asked to run. Each has one outcome: what the thread says, or `refused` when it is lost.
 * (What it had begun by then may happen again, as after the loss of a host: at least once.) Of whose guest it is known that the thread was lost by
 * it, that was an attempt: it would do so for ever.
 *
 * Events of one turn go together: to wake a thread costs more than to pack a batch (a fifth of a millisecond where the cores are taken), and
 * what one answer of the store brings comes in one turn.
 */
export class ThreadDeliveries {
  readonly #ports: ThreadDeliveriesPorts;
  readonly #pending = new Map<InvocationId, (outcome: EventOutcome) => void>();
  #unsent: ThreadEvent[] = [];
  #lostBy: MayflyError | undefined;

  constructor(ports: ThreadDeliveriesPorts) {
    this.#ports = ports;
  }

  get inFlight(): number {
    return this.#pending.size;
  }

  deliver(invocation: EventInvocation): Promise<EventOutcome> {
    const { later, nowMs, limit } = this.#ports;
    const refuse = (error: MayflyError): Promise<EventOutcome> =>
      Promise.resolve(refusedEvent(error, nowMs()));
    if (this.#lostBy !== undefined) return refuse(this.#lostBy);
    if (this.#pending.size >= limit)
      return refuse(new MayflyError('host_busy', `${limit} events wait for the thread.`));
    const id = randomUUIDv7() as InvocationId;
    if (this.#unsent.length === 0) later(() => this.#send());
    this.#unsent.push({ id, invocation });
    return new Promise((resolve) => {
      this.#pending.set(id, resolve);
    });
  }

  settle(id: InvocationId, outcome: EventOutcome): void {
    const resolve = this.#pending.get(id);
    this.#pending.delete(id);
    resolve?.(outcome);
  }

  #send(): void {
    const events = this.#unsent;
    this.#unsent = [];
    if (this.#lostBy !== undefined) return;
    const parcels = packEvents(events);
    const transfer = parcels.map(({ messages }) => messages.buffer);
    this.#ports.send({ kind: 'deliver', parcels }, transfer);
  }

  /**
   * The thread is gone; nothing more is sent to it.
   * @param culpritEnd how the id of the invocation ends that has kept it
   */
  lost(code: ErrorCode, detail: string, culpritEnd?: string): void {
    this.#lostBy = new MayflyError(code, detail);
    const culprit =
      culpritEnd && [...this.#pending.keys()].find((invocationId) => invocationId.endsWith(culpritEnd));
    if (culprit)
      this.settle(culprit, {
        kind: 'failed',
        invocationId: culprit,
        fuel: 0,
        cause: { code, detail },
        isRetryable: ERROR_TABLE[code].retryable,
      });
    const outcome = refusedEvent(this.#lostBy, this.#ports.nowMs());
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const resolve of pending) resolve(outcome);
  }
}
