import type { BlockedStacks } from './blocked-stacks.ts';
import { ComponentTrap } from './component-trap.ts';
import { Lenders } from './resource-handle.ts';
import { EVENT, Waitable, type WaitableEvent } from './waitable.ts';

export const SUBTASK_STATE = { starting: 0, started: 1, returned: 2, cancelledBeforeReturned: 4 } as const;

/** A call of the host that the guest made with the option `async` (CanonicalABI.md, "Subtask State"). */
export class Subtask extends Waitable {
  readonly lenders: Lenders = new Lenders();
  isCancelRequested = false;
  #index = 0;
  #state: 1 | 2 | 4 = SUBTASK_STATE.started;
  #isDelivered = false;

  constructor(stacks: BlockedStacks) {
    super(stacks);
  }

  get state(): 1 | 2 | 4 {
    return this.#state;
  }

  get isResolved(): boolean {
    return this.#state !== SUBTASK_STATE.started;
  }

  get isDelivered(): boolean {
    return this.#isDelivered;
  }

  /** It did not return at once: the guest gets a handle. */
  hold(index: number): void {
    this.#index = index;
  }

  /** Its result is in memory, or it has none because it was cancelled. */
  resolve(state: 2 | 4): void {
    this.#state = state;
    this.setEvent(this.#deliver);
  }

  /** The same before the guest has a handle. */
  returnAtOnce(): void {
    this.#state = SUBTASK_STATE.returned;
    this.lenders.release();
  }

  override drop(): void {
    if (!this.#isDelivered) throw new ComponentTrap('a subtask is dropped before it has returned');
    super.drop();
  }

  readonly #deliver = (): WaitableEvent => {
    this.#isDelivered = true;
    this.lenders.release();
    return [EVENT.subtask, this.#index, this.#state];
  };
}
