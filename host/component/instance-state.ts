/**
 * Everything of a component instance that belongs to one invocation, other than what is in its core instances.
 *
 * 1. A linked component outlives its invocations: what was made at link time reaches the state through a
 *    {@link StateHolder}, at each call anew, and a rewind puts a new state there.
 * 2. What an old invocation left behind (a promise that settles late, a stack) holds the old state, which has ended:
 *    it can touch nothing of the new one, and enters the guest no more.
 */

import { ComponentTrap } from './component-trap.ts';
import { HandleTable } from './handle-table.ts';

export class InstanceState {
  readonly table = new HandleTable();
  /** CanonicalABI.md, `may_leave`: false while the guest runs where it must not call out (realloc, post-return). */
  mayLeave = true;
  #hasEnded = false;

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Invariant 2. Idempotent. */
  end(): void {
    this.#hasEnded = true;
  }

  /** To be called by every function that core code imports, first. */
  leave(): void {
    if (!this.mayLeave) throw new ComponentTrap('the guest calls out where it must not');
  }
}

export interface StateHolder {
  current: InstanceState;
}
