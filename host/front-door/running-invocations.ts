import type { ErrorCode } from '../errors.ts';
import type { RunningInvocation } from '../instance/engine.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { TenantName } from '../model/ids.ts';

/** What runs on this thread, and whose it is. */
export class RunningInvocations {
  readonly #live = new Map<RunningInvocation, LiveFunction>();

  add(invocation: RunningInvocation, live: LiveFunction): void {
    this.#live.set(invocation, live);
  }

  delete(invocation: RunningInvocation): void {
    this.#live.delete(invocation);
  }

  /** Each caller is answered, or its answer is broken off. */
  cancelAll(code: ErrorCode, detail: string): void {
    for (const invocation of this.#live.keys()) invocation.cancel(code, detail);
  }

  /**
   * Ends the invocations of the tenant that has used the most fuel in those that run: host objects are made by host calls,
   * and these cost fuel. Gives the functions that it ended, none when nothing runs.
   */
  endHeaviest(code: ErrorCode, detail: string): LiveFunction[] {
    const fuelOf = new Map<TenantName, number>();
    for (const [{ fuel }, { tenant }] of this.#live) {
      fuelOf.set(tenant, (fuelOf.get(tenant) ?? 0) + fuel);
    }
    const [heaviest] = [...fuelOf].sort(([, a], [, b]) => b - a);
    const ended = new Set<LiveFunction>();
    for (const [invocation, live] of this.#live) {
      if (live.tenant !== heaviest?.[0]) continue;
      ended.add(live);
      invocation.cancel(code, detail);
      this.#live.delete(invocation);
    }
    return [...ended];
  }
}
