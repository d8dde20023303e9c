/**
 * Everything of a component instance that belongs to one invocation, other than what is in its core instances.
 *
 * 1. A linked component outlives its invocations: what was made at link time reaches the state through a
 *    {@link StateHolder}, at each call anew, and a rewind puts a new state there.
 * 2. What an old invocation left behind (a promise that settles late, a stack) holds the old state, which has ended:
 *    it can touch nothing of the new one, and enters the guest no more.
 * 3. `currentTask` is the task whose stack runs, or ran last. Whoever enters a stack, or lets it go on, sets it right
 *    before; one that is parked for its fuel still finds it, since nobody enters meanwhile.
 * 4. A trap ends the whole instance: every task that has not returned fails with it.
 */

import { LIFTED_BYTES_PER_CALL } from '../limits/limits.ts';
import { BlockedStacks } from './blocked-stacks.ts';
import { ComponentTrap } from './component-trap.ts';
import type { GuestPorts } from './guest-ports.ts';
import { HandleTable } from './handle-table.ts';
import type { Task } from './task.ts';

type StatePorts = Pick<GuestPorts, 'whenEnterable' | 'trap' | 'chargeYield'>;

export class InstanceState {
  readonly table = new HandleTable();
  readonly stacks: BlockedStacks;
  /** CanonicalABI.md, `may_leave`: false while the guest runs where it must not call out (realloc, post-return). */
  mayLeave = true;
  /** Invariant 3. Undefined in start functions and in calls that need no task. */
  currentTask: Task | undefined;
  /** The task that runs alone (CanonicalABI.md, `exclusive_thread`). */
  exclusiveTask: Task | undefined;
  /** How often the guest asked that no call comes in. */
  backpressure = 0;
  waitingToEnter = 0;
  /** `context.get` and `context.set` outside of tasks. */
  readonly #storage: [number, number] = [0, 0];
  /** What was lifted for calls of the host that have not returned. */
  #heldBytes = 0;
  readonly #ports: StatePorts;
  /** Made for the first: calls that are not async need none. */
  #tasks: Set<Task> | undefined;
  #hasEnded = false;

  constructor(ports: StatePorts) {
    this.#ports = ports;
    this.stacks = new BlockedStacks(ports, (error) => this.fail(error));
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get storage(): [number, number] {
    return this.currentTask?.storage ?? this.#storage;
  }

  add(task: Task): void {
    this.#tasks ??= new Set();
    this.#tasks.add(task);
  }

  /** The task has exited. */
  remove(task: Task): void {
    this.#tasks?.delete(task);
    if (this.exclusiveTask === task) this.exclusiveTask = undefined;
    this.stacks.changed();
  }

  /**
   * For what the host has for the guest later on: runs it when the guest may be entered, and not at all once this
   * invocation is over. What it throws is a trap.
   */
  whenEnterable(run: () => void): void {
    if (this.#hasEnded) return;
    this.#ports.whenEnterable(() => {
      if (this.#hasEnded) return;
      try {
        run();
      } catch (error) {
        this.fail(error);
      }
    });
  }

  /** The same for what a waiting call gives its guest. Throws once this invocation is over: memory may be another one's. */
  giveWhenEnterable<T>(make: () => T): T | Promise<T> {
    this.#assertRunning();
    let made: { readonly value: T } | undefined;
    let isAtOnce = true;
    const later = Promise.withResolvers<T>();
    this.#ports.whenEnterable(() => {
      if (isAtOnce) made = { value: make() };
      else {
        later.resolve(
          new Promise((resolve) => {
            this.#assertRunning();
            resolve(make());
          }),
        );
      }
    });
    isAtOnce = false;
    return made === undefined ? later.promise : made.value;
  }

  #assertRunning(): void {
    if (this.#hasEnded) throw new ComponentTrap('the invocation is over');
  }

  /** A task that only lets others go first would enter the guest for nothing otherwise, time and again. */
  chargeYield(): void {
    this.#ports.chargeYield();
  }

  /**
   * For a call of the host that the guest does not wait for: its arguments are in the host's memory until it returns, and there may be as many as handles.
   * @throws {ComponentTrap} if such calls together hold more than one may
   */
  hold(bytes: number): void {
    this.#heldBytes += bytes;
    if (this.#heldBytes > LIFTED_BYTES_PER_CALL)
      throw new ComponentTrap(`calls that have not returned hold more than ${LIFTED_BYTES_PER_CALL} bytes`);
  }

  /** It has returned. */
  release(bytes: number): void {
    this.#heldBytes -= bytes;
  }

  /** Invariant 4. Idempotent. */
  fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.end();
    this.#ports.trap(error);
    for (const task of this.#tasks ?? []) task.reject(error);
    this.#tasks?.clear();
  }

  /** Invariant 2. Idempotent. */
  end(): void {
    this.#hasEnded = true;
    this.stacks.end();
  }

  /** To be called by every function that core code imports, first. */
  leave(): void {
    if (!this.mayLeave) throw new ComponentTrap('the guest calls out where it must not');
  }
}

export interface StateHolder {
  current: InstanceState;
}
