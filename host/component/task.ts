import type { CanonicalOptions } from '../model/link-plan.ts';
import { ComponentTrap } from './component-trap.ts';
import type { BorrowScope } from './resource-handle.ts';

/** What a task is a call of. */
export interface TaskKind {
  /** The codec of its result: `task.return` has to be of the very same. */
  readonly result: unknown;
  /** Of its options; `task.return` has to agree with both. */
  readonly context: {
    readonly memory: WebAssembly.Memory | undefined;
    readonly encoding: CanonicalOptions['stringEncoding'];
  };
  /** Lifted with the option `async`: it says itself what it returns (`task.return`). */
  readonly isAsync: boolean;
  /** No other such task runs before it waits or exits: its stack, or its place in memory, is the only one. */
  readonly needsExclusive: boolean;
}

/** One call of an export (CanonicalABI.md, "Tasks"), and the one thread of it: the guest cannot make more. */
export class Task implements BorrowScope {
  readonly kind: TaskKind;
  /** Borrowed handles that it was given and has not dropped. */
  borrowCount = 0;
  /** `context.get`, `context.set` */
  readonly storage: [number, number] = [0, 0];
  readonly #result = Promise.withResolvers<unknown>();
  #isResolved = false;

  constructor(kind: TaskKind) {
    this.kind = kind;
  }

  get isResolved(): boolean {
    return this.#isResolved;
  }

  /** What the caller gets. */
  get result(): Promise<unknown> {
    return this.#result.promise;
  }

  /** CanonicalABI.md, `Task.return_`. Its stack may go on afterwards. */
  return(value: unknown): void {
    if (this.#isResolved) throw new ComponentTrap('the task has returned before');
    if (this.borrowCount > 0)
      throw new ComponentTrap(`the task returns without dropping ${this.borrowCount} borrowed handles`);
    this.#isResolved = true;
    this.#result.resolve(value);
  }

  /** Without effect on one that has returned. */
  reject(error: unknown): void {
    this.#isResolved = true;
    this.#result.reject(error);
  }
}
