import type { ErrorCode } from '../errors/errors.ts';
import type { RunningInvocation } from '../instance/engine.ts';
import { Link, LinkedList } from '../linked-list.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { TenantName } from '../model/ids.ts';

interface Running {
  readonly invocation: RunningInvocation;
  readonly live: LiveFunction;
}

/** What runs on this thread, and whose it is. */
export class RunningInvocations {
  readonly #running = new LinkedList<Running>();

  /** Gives what takes it out again. */
  add(invocation: RunningInvocation, live: LiveFunction): Link<Running> {
    const link = new Link<Running>({ invocation, live });
    this.#running.append(link);
    return link;
  }

  delete(running: Link<Running>): void {
    this.#running.remove(running);
  }

  /** Each caller is answered, or its answer is broken off. */
  cancelAll(code: ErrorCode, detail: string): void {
    for (const { value } of this.#running) value.invocation.cancel(code, detail);
  }

  /**
   * Ends the invocations of the tenant that has used the most fuel in those that run: host objects are made by host calls,
   * and these cost fuel. Gives the functions that it ended, none when nothing runs.
   */
  endHeaviest(code: ErrorCode, detail: string): LiveFunction[] {
    const fuelOf = new Map<TenantName, number>();
    for (const { value } of this.#running) {
      const { invocation, live } = value;
      fuelOf.set(live.tenant, (fuelOf.get(live.tenant) ?? 0) + invocation.fuel);
    }
    const [heaviest] = [...fuelOf].sort(([, a], [, b]) => b - a);
    const ended = new Set<LiveFunction>();
    for (const link of this.#running) {
      const { invocation, live } = link.value;
      if (live.tenant !== heaviest?.[0]) continue;
      ended.add(live);
      invocation.cancel(code, detail);
      this.#running.remove(link);
    }
    return [...ended];
  }
}
