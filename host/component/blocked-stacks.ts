/**
 * Stacks and tasks of one component instance that wait until something is so: an event, a turn, an end of backpressure
 * (CanonicalABI.md, `Store.waiting` and `Store.tick`).
 *
 * 1. Nothing polls. Whatever may make one of them ready says so (`changed`); a microtask later they are looked at, in the
 *    order in which they came, and the first that is ready goes on.
 * 2. One goes on at a time, with no code of the guest below it on the JavaScript stack, and none parked for its fuel.
 * 3. After `end()` none goes on.
 */
import type { GuestPorts } from './guest-ports.ts';

export interface BlockedStack {
  isReady(): boolean;
  /** Takes what it waited for, and goes on. */
  goOn(): void;
}

export class BlockedStacks {
  readonly #ports: Pick<GuestPorts, 'whenEnterable'>;
  readonly #fail: (error: unknown) => void;
  #blocked: BlockedStack[] = [];
  #isScheduled = false;

  constructor(ports: Pick<GuestPorts, 'whenEnterable'>, fail: (error: unknown) => void) {
    this.#ports = ports;
    this.#fail = fail;
  }

  block(stack: BlockedStack): void {
    this.#blocked.push(stack);
    this.changed();
  }

  /** The same for a core function: what it returns to the guest once it is ready. */
  waitFor<T>(isReady: () => boolean, take: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const goOn = (): void => {
        try {
          resolve(take());
        } catch (error) {
          reject(error);
        }
      };
      this.block({ isReady, goOn });
    });
  }

  /** Invariant 1. */
  changed(): void {
    if (this.#isScheduled || this.#blocked.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(this.#offer);
  }

  /** Invariant 3. */
  end(): void {
    this.#blocked = [];
  }

  readonly #offer = (): void => this.#ports.whenEnterable(this.#resumeOne);

  readonly #resumeOne = (): void => {
    this.#isScheduled = false;
    const index = this.#blocked.findIndex((stack) => stack.isReady());
    if (index < 0) return;
    const [stack] = this.#blocked.splice(index, 1);
    this.changed();
    try {
      stack!.goOn();
    } catch (error) {
      this.#fail(error);
    }
  };
}
