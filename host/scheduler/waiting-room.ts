/**
 * Where invocations of a thread wait for a place of their tenant: first come, first served, bounded in number by
 * {@link Admission} and in time here. What a request that waits has sent stays where it is; nothing of it is read.
 *
 * 1. A request waits in the room of its tenant or not at all: rooms of others are never looked at.
 * 2. Each request leaves once, and counts as waiting until then: with a place, refused, or given up.
 * 3. A place that becomes free on any thread is announced in shared memory; each room with somebody in it hears of it.
 *    What is announced between looking and waiting is not missed, because the count that was read before is compared.
 */
import type { Admission, Applicant, Place, Refusal } from './admission.ts';
import type { QuotaTable } from './quota-table.ts';

interface Waiting {
  readonly applicant: Applicant;
  readonly settle: (outcome: Place | Refusal | undefined) => void;
  readonly timer: NodeJS.Timeout;
}

interface Room {
  readonly queue: Set<Waiting>;
  /** Whether this thread is told already when something becomes free. */
  isListening: boolean;
}

export class WaitingRoom {
  readonly #table: QuotaTable;
  readonly #admission: Admission;
  readonly #rooms = new Map<number, Room>();

  constructor(table: QuotaTable, admission: Admission) {
    this.#table = table;
    this.#admission = admission;
  }

  /** Invocations that wait on this thread. */
  get size(): number {
    let size = 0;
    for (const { queue } of this.#rooms.values()) size += queue.size;
    return size;
  }

  /**
   * For an applicant that admission has queued: resolves with a place, with the refusal when its time is up, or with
   * undefined when `signal` says that nobody waits for it any more.
   */
  wait(applicant: Applicant, timeoutMs: number, signal: AbortSignal): Promise<Place | Refusal | undefined> {
    const { tenant } = applicant;
    const room = this.#rooms.get(tenant) ?? { queue: new Set(), isListening: false };
    this.#rooms.set(tenant, room);
    return new Promise((resolve) => {
      const giveUp = (): void => this.#leave(room, waiting, undefined);
      const waiting: Waiting = {
        applicant,
        settle: (outcome) => {
          signal.removeEventListener('abort', giveUp);
          resolve(outcome);
        },
        timer: setTimeout(() => this.#timeOut(room, waiting), timeoutMs),
      };
      room.queue.add(waiting);
      signal.addEventListener('abort', giveUp, { once: true });
      if (signal.aborted) giveUp();
      // A place may have become free after it was looked for and before it counted as waiting, unannounced.
      else this.#admit(room);
      void this.#listen(tenant, room, timeoutMs);
    });
  }

  /** Lets nobody wait any more: whoever does is told that it is over. */
  clear(): void {
    for (const room of this.#rooms.values()) {
      for (const waiting of room.queue) this.#leave(room, waiting, undefined);
    }
  }

  /** One per room: a hundred who wait need to be told once. */
  async #listen(tenant: number, room: Room, timeoutMs: number): Promise<void> {
    if (room.isListening) return;
    room.isListening = true;
    while (room.queue.size > 0) {
      const seen = this.#table.freed(tenant);
      this.#admit(room);
      if (room.queue.size === 0) break;
      await this.#table.untilFreed(tenant, seen, timeoutMs);
    }
    room.isListening = false;
    this.#rooms.delete(tenant);
  }

  /** As many as there are places, from the head. One whose function is busy waits and lets others pass. */
  #admit(room: Room): void {
    for (const waiting of room.queue) {
      const outcome = this.#admission.enterQueued(waiting.applicant);
      if (outcome.kind === 'place') this.#settle(room, waiting, outcome);
      else if (outcome.kind !== 'function-busy') return;
    }
  }

  #timeOut(room: Room, waiting: Waiting): void {
    const outcome = this.#admission.enterQueued(waiting.applicant);
    if (outcome.kind === 'place') this.#settle(room, waiting, outcome);
    else this.#leave(room, waiting, outcome);
  }

  #leave(room: Room, waiting: Waiting, outcome: Refusal | undefined): void {
    if (!room.queue.has(waiting)) return;
    this.#admission.leaveQueue(waiting.applicant);
    this.#settle(room, waiting, outcome);
  }

  #settle(room: Room, waiting: Waiting, outcome: Place | Refusal | undefined): void {
    room.queue.delete(waiting);
    clearTimeout(waiting.timer);
    waiting.settle(outcome);
  }
}
