/**
 * The timers of one instance's glue. jco's task loop has no events: it looks every 10 ms (`setTimeout`) whether
 * a task of WASI 0.3 may go on, and every millisecond (`setInterval`) whether the guest has taken or given the
 * next piece of a stream. A call takes several such looks one after the other, so most of its time would be
 * waiting: 15.5 ms at the median for a JavaScript guest that computes for 1.5 ms.
 *
 * 1. A look is only made sooner than the glue asked for, never later, so nothing it waits for can be missed.
 * 2. Looks get rarer as long as the guest does nothing: the first ones happen once per turn of the event loop,
 *    later ones after an eighth of the time that the guest has been idle. What the host had to wait for takes at
 *    most that much longer, and a guest that waits for ever costs what the glue asked for.
 * 3. After `end()`, nothing fires.
 */

/** Delay of the glue's task loop; longer ones are no looks but real delays. */
const LOOK_MS = 10;
/** Looks per turn of the loop; each takes about a microsecond. Whatever is in the thread is ready by then. */
const EAGER_LOOKS = 32;
/** The share of the time it has waited that a guest may go on waiting in vain. */
const IDLE_SHARE = 1 / 8;

/** A pending look or delay. */
class Timer {
  readonly callback: () => void;
  readonly delayMs: number;
  readonly repeat: boolean;
  handle: NodeJS.Timeout | undefined;
  immediate: NodeJS.Immediate | undefined;

  constructor(callback: () => void, delayMs: number, repeat: boolean) {
    this.callback = callback;
    this.delayMs = delayMs;
    this.repeat = repeat;
  }
}

export class GuestTimers {
  /** Made for the first: only the glue has any. */
  #timers: Set<Timer> | undefined;
  #looks = 0;
  #activeMs = 0;
  #ended = false;

  /** The guest's code is entered: what it waited for is there, and what it waits for next may be so soon. */
  noteActivity(): void {
    this.#looks = 0;
  }

  set(callback: () => void, delayMs: number, repeat: boolean): unknown {
    if (this.#ended) return undefined;
    const timer = new Timer(callback, delayMs, repeat);
    this.#timers ??= new Set();
    this.#timers.add(timer);
    this.#arm(timer);
    return timer;
  }

  clear(timer: unknown): void {
    if (!(timer instanceof Timer)) return;
    this.#timers?.delete(timer);
    clearTimeout(timer.handle);
    clearImmediate(timer.immediate);
  }

  /** Invariant 3. Idempotent. */
  end(): void {
    this.#ended = true;
    for (const timer of this.#timers ?? []) this.clear(timer);
  }

  #arm(timer: Timer): void {
    const fire = (): void => {
      if (!timer.repeat) this.#timers?.delete(timer);
      timer.callback();
      if (timer.repeat && this.#timers?.has(timer)) this.#arm(timer);
    };
    if (!isLook(timer)) {
      timer.handle = setTimeout(fire, timer.delayMs);
      return;
    }
    this.#looks++;
    if (this.#looks === 1) this.#activeMs = performance.now();
    if (this.#looks <= EAGER_LOOKS) {
      timer.immediate = setImmediate(fire);
    } else {
      const idleMs = performance.now() - this.#activeMs;
      timer.handle = setTimeout(fire, Math.min(idleMs * IDLE_SHARE, LOOK_MS));
    }
  }
}

/**
 * A promise's `resolve` takes one argument (ECMA-262, 27.2.1.3.2): the task loop that waits a moment before it
 * looks again. What takes none and has no delay is a conclusion (`nothing can go on any more: a deadlock`),
 * which is not to be drawn sooner.
 */
function isLook({ callback, delayMs, repeat }: Timer): boolean {
  if (repeat) return delayMs <= LOOK_MS;
  return delayMs === LOOK_MS || (delayMs === 0 && callback.length === 1);
}
