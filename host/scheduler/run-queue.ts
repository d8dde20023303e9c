/**
 * Who runs next on a thread: deficit round robin (Shreedhar and Varghese, 1995) over tenants by weight, first in
 * first out among a tenant's guests. A tenant that was away goes first once, as a sparse flow does in FQ-CoDel
 * (RFC 8290): a small call beside endless loops waits for about one slice, not for one of every tenant.
 *
 * A guest waits here when it has used a slice of fuel (`park`), if others wait too before it begins (`admit`), and if
 * its tenant is in debt before it goes on after a host call (`goOn`). Each turn of the event loop resumes one
 * guest, so that timers and sockets are served between any two slices; behind one that has used little of a slice others
 * follow in the same turn (invariant 5).
 *
 * 1. In a round, each tenant earns its weight's worth of fuel; the round is over when nobody who waits has credit
 *    left. So tenants that always have a guest waiting get fuel in proportion to their weights, to within one slice
 *    per tenant, whatever their slices cost and however many guests they have.
 * 2. What is used without having waited (the first slice of a call, the last part of one) is paid too: `charge`
 *    puts the tenant in debt, and a debt outlives the guests that made it.
 * 3. Credit that a tenant does not use in a round is lost: it cannot save up turns to take them in a row.
 * 4. A guest that waits is resumed after at most one slice of every other guest of its tenant that came before it
 *    and, per such slice, one round over the tenants.
 * 5. A turn takes no more than about a slice: another guest is resumed in it only while those before it have used less
 *    than SMALL_SHARE of one together, and no more than MAX_RESUMED in all. Small calls, once they wait, would otherwise
 *    go on waiting: each answer brings the next request, which finds others in the queue, and each takes a turn of its own.
 * 6. A guest for which nobody waits takes slices in a row until its turn has gone on for LONE_TURN_MS, MAX_LONE_SLICES at most: whoever
 *    comes meanwhile waits for that and the rest of a slice, and one whose slices are long takes no second one.
 * 7. It takes more while nothing has come for the event loop, until the turn has gone on for QUIET_TURN_MS, if the turn is the queue's own
 *    (what was put off before it has been done) and the guest has but computed in it (it has put nothing off). It owes nothing for
 *    them: nobody else could have had them.
 */

export interface RunQueuePorts {
  /** Calls back in a later turn of the event loop, after I/O had its chance. */
  readonly nextTurn: (callback: () => void) => void;
  /**
   * Calls back in the same turn, when the guest that was resumed has done what it can without waiting; where it is absent, each turn
   * resumes one.
   */
  readonly whenQuiet?: (callback: () => void) => void;
  /** A clock that never goes back. */
  readonly nowMs: () => number;
  /** Whether nobody but the guest that runs has anything to do here, timers included; where it is absent, that is not known. */
  readonly isQuiet?: () => boolean;
  /** Share of a tenant, relative to others; 1 where absent. */
  readonly weightOf?: (tenant: string) => number;
  /** Fuel that a weight of 1 earns per round. */
  readonly quantum: number;
  /** Told each time that guests have used another quantum, all together; in the midst of one's call. */
  readonly onQuantum?: () => void;
}

/** Of a quantum. */
const SMALL_SHARE = 1 / 8;

/** A hello takes 0.1 to 0.3 ms with its answer, so that these take no longer than one that uses up its slice. */
const MAX_RESUMED = 8;

/**
 * How long a turn has gone on when a guest that is alone takes no other slice in it. Whoever comes meanwhile waits for its end, and a park
 * costs 3 to 7 µs on a quiet machine: a limit of 2 ms cost a newcomer 0.3 ms at the median and saved nothing that could be measured.
 */
const LONE_TURN_MS = 1;

/**
 * How late a timer of Node's may be that no invocation waits for, and how much may be computed between two looks at the heap. A park every
 * 20 ms costs 0.1 to 0.4 %.
 */
const QUIET_TURN_MS = 20;

/** On a faster machine: a newcomer beside one guest waits for no more than that, and has three slices for each of the two (docs/fairness.md). */
const MAX_LONE_SLICES = 4;

/** A weight of nothing would never be served, and its debts never be paid. */
const MIN_WEIGHT = 0.01;

interface Waiting {
  readonly resume: () => void;
  readonly isOver: () => boolean;
  /** Parked when its slice was used up: it will take another. */
  readonly isComputing: boolean;
}

interface Share {
  readonly tenant: string;
  readonly waiting: Waiting[];
  /** Fuel it may still use in this round; negative after a slice that cost more than it had. */
  credit: number;
  /** Has not been served since it came. */
  isNew: boolean;
}

const NEVER_OVER = (): boolean => false;

export class RunQueue {
  readonly #ports: RunQueuePorts;
  /** In the order of their turns: those that are new, then those that were served, the latest last. */
  #order: Share[] = [];
  readonly #shares = new Map<string, Share>();
  #waiting = 0;
  #computing = 0;
  #turnIsComing = false;
  #usedInTurn = 0;
  #usedOfQuantum = 0;
  #resumedInTurn = 0;
  #turnBeganMs = Number.NEGATIVE_INFINITY;
  /** Since then, by guests that were alone. */
  #keptInTurn = 0;
  /** The turn is the queue's, and no guest has begun or gone on in it by itself. */
  #isOwnTurn = false;
  /** Granted by invariant 7, not yet reckoned up. */
  #quietSlices = 0;

  constructor(ports: RunQueuePorts) {
    this.#ports = ports;
  }

  /** Guests that wait for their turn. */
  get parked(): number {
    return this.#waiting;
  }

  /** Of those, guests that have used up a slice: a turn in which one is resumed is likely to be as long as another. */
  get computing(): number {
    return this.#computing;
  }

  /**
   * Parks a guest that has just used `fuel`.
   *
   * @param fuel what the guest used since it was last resumed
   * @param resume called when it is its turn again, in a later turn of the event loop
   * @param isOver whether nobody waits for the guest any more: its turn is skipped, and `resume` never called
   */
  park(tenant: string, fuel: number, resume: () => void, isOver: () => boolean = NEVER_OVER): void {
    const share = this.#shareOf(tenant);
    this.#pay(share, fuel);
    this.#computing++;
    this.#wait(share, { resume, isOver, isComputing: true });
  }

  /**
   * Whether a guest that has used up a slice takes another one at once: nobody else waits, and the turn has not gone on for long
   * (invariant 6), or nobody else has come (invariant 7). It pays when it is parked.
   * @param hasOnlyComputed since it was resumed: it has called no function of the host
   */
  keepsTurn(hasOnlyComputed: boolean): boolean {
    if (this.#waiting > 0) return false;
    const turnMs = this.#ports.nowMs() - this.#turnBeganMs;
    this.#keptInTurn++;
    if (turnMs < LONE_TURN_MS && this.#keptInTurn < MAX_LONE_SLICES) return true;
    if (!hasOnlyComputed || !this.#isOwnTurn || turnMs >= QUIET_TURN_MS) return false;
    if (this.#ports.isQuiet?.() !== true) return false;
    this.#quietSlices++;
    return true;
  }

  /** For a guest that would begin: at once (undefined) while nobody waits and its tenant owes nothing. */
  admit(tenant: string, isOver: () => boolean = NEVER_OVER): Promise<void> | undefined {
    const share = this.#shares.get(tenant);
    if (this.#waiting === 0 && (share === undefined || share.credit > 0)) return this.#goAtOnce();
    return this.#turnOf(share ?? this.#shareOf(tenant), isOver);
  }

  /**
   * For a guest that has waited for something else and could go on: at once (undefined) while its tenant has credit.
   * A hundred guests that wake up at the same time would otherwise run a hundred slices in a row; and one that
   * writes a hundred lines would wait a hundred rounds if each had to queue.
   *
   * @param fuel what the guest used since it was last resumed or charged
   */
  goOn(tenant: string, fuel: number, isOver: () => boolean = NEVER_OVER): Promise<void> | undefined {
    const share = this.#shareOf(tenant);
    this.#pay(share, fuel);
    return share.credit > 0 ? this.#goAtOnce() : this.#turnOf(share, isOver);
  }

  /** Fuel that a guest used which does not wait now (invariant 2). */
  charge(tenant: string, fuel: number): void {
    if (fuel > 0) this.#pay(this.#shareOf(tenant), fuel);
  }

  /** In a turn that is not the queue's: it began now, unless others went on in it. */
  #goAtOnce(): undefined {
    this.#isOwnTurn = false;
    const nowMs = this.#ports.nowMs();
    if (nowMs - this.#turnBeganMs >= LONE_TURN_MS) this.#beginTurn(nowMs);
  }

  #beginTurn(nowMs: number): void {
    this.#turnBeganMs = nowMs;
    this.#keptInTurn = 0;
  }

  #pay(share: Share, fuel: number): void {
    // Whoever got them is alone, and pays first.
    share.credit -= Math.max(0, fuel - this.#quietSlices * this.#ports.quantum);
    this.#quietSlices = 0;
    this.#usedInTurn += fuel;
    this.#usedOfQuantum += fuel;
    if (this.#usedOfQuantum < this.#ports.quantum) return;
    this.#usedOfQuantum = 0;
    this.#ports.onQuantum?.();
  }

  #turnOf(share: Share, isOver: () => boolean): Promise<void> {
    return new Promise((resume) => this.#wait(share, { resume, isOver, isComputing: false }));
  }

  #wait(share: Share, waiting: Waiting): void {
    this.#waiting++;
    share.waiting.push(waiting);
    this.#schedule();
  }

  #shareOf(tenant: string): Share {
    let share = this.#shares.get(tenant);
    if (share === undefined) {
      share = { tenant, waiting: [], credit: this.#earnings(tenant), isNew: true };
      this.#shares.set(tenant, share);
      const behindNew = this.#order.findIndex(({ isNew }) => !isNew);
      this.#order.splice(behindNew === -1 ? this.#order.length : behindNew, 0, share);
    }
    return share;
  }

  /** What a tenant earns per round. */
  #earnings(tenant: string): number {
    return this.#ports.quantum * Math.max(MIN_WEIGHT, this.#ports.weightOf?.(tenant) ?? 1);
  }

  #schedule(): void {
    if (this.#turnIsComing) return;
    this.#turnIsComing = true;
    this.#ports.nextTurn(this.#takeTurn);
  }

  readonly #takeTurn = (): void => {
    this.#usedInTurn = 0;
    this.#resumedInTurn = 0;
    this.#beginTurn(this.#ports.nowMs());
    this.#isOwnTurn = true;
    this.#resume();
  };

  #resume(): void {
    this.#resumeOne();
    this.#resumedInTurn++;
    const { whenQuiet } = this.#ports;
    if (whenQuiet === undefined || this.#waiting === 0 || this.#resumedInTurn === MAX_RESUMED)
      this.#endTurn();
    else whenQuiet(this.#resumeAnother);
  }

  /** Invariant 5. */
  readonly #resumeAnother = (): void => {
    if (this.#waiting > 0 && this.#usedInTurn < this.#ports.quantum * SMALL_SHARE) this.#resume();
    else this.#endTurn();
  };

  #endTurn(): void {
    this.#turnIsComing = false;
    if (this.#waiting > 0) this.#schedule();
  }

  #resumeOne(): void {
    let index = this.#nextInRound();
    if (index === -1) {
      this.#beginRound();
      index = this.#nextInRound();
    }
    const share = this.#order[index];
    if (share === undefined) return;
    if (index < this.#order.length - 1) {
      this.#order.splice(index, 1);
      this.#order.push(share);
    }
    share.isNew = false;
    this.#leave(share)?.resume();
  }

  /** Index of the share whose turn it is in this round, or -1. */
  #nextInRound(): number {
    const order = this.#order;
    for (let index = 0; index < order.length; index++) {
      const share = order[index]!;
      if (share.credit > 0 && this.#hasWaiting(share)) return index;
    }
    return -1;
  }

  #hasWaiting(share: Share): boolean {
    while (share.waiting[0]?.isOver() === true) {
      this.#leave(share);
    }
    return share.waiting.length > 0;
  }

  /** Takes the first of a share's that wait. */
  #leave({ waiting }: Share): Waiting | undefined {
    const first = waiting.shift();
    if (first === undefined) return undefined;
    this.#waiting--;
    if (first.isComputing) this.#computing--;
    return first;
  }

  /** Everyone earns; as many rounds at once as it takes until somebody who waits is out of debt. */
  #beginRound(): void {
    let rounds = Number.POSITIVE_INFINITY;
    for (const share of this.#order) {
      if (!this.#hasWaiting(share)) continue;
      rounds = Math.min(rounds, Math.floor(-share.credit / this.#earnings(share.tenant)) + 1);
    }
    if (rounds === Number.POSITIVE_INFINITY) return;
    this.#order = this.#order.filter((share) => {
      const isIdle = share.waiting.length === 0;
      // Invariant 3, and what it has left of an earlier round is no head start either.
      if (isIdle && share.credit >= 0) return this.#forget(share);
      share.credit += rounds * this.#earnings(share.tenant);
      return isIdle && share.credit >= 0 ? this.#forget(share) : true;
    });
  }

  #forget(share: Share): boolean {
    this.#shares.delete(share.tenant);
    return false;
  }
}
