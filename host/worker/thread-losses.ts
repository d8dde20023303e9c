/** What follows from the loss of a serving thread: places are free again, functions hear of it, some are quarantined. */
import { randomUUIDv7 } from 'node:crypto';
import type { NotedGuest } from '../instance/guest-note.ts';
import type { InvocationId } from '../model/ids.ts';
import type { LogRecord } from '../model/log-record.ts';
import { type UsageBatch, UsageBatchWriter } from '../model/usage-batch.ts';
import { useOfLost } from '../model/usage-record.ts';
import type { Registry } from '../store/registry.ts';
import { Blame, type Suspect } from './blame.ts';
import type { FunctionVersionName, LostInvocation } from './messages.ts';
import type { AccountedFunction, TenantAccounts } from './tenant-accounts.ts';

export interface ThreadLossesPorts {
  readonly accounts: TenantAccounts;
  readonly registry: Registry;
  log(records: readonly LogRecord[]): void;
  usage(batch: UsageBatch): void;
  now(): number;
  /** For the operator. */
  report(message: string, error?: unknown): void;
}

export class ThreadLosses {
  readonly #ports: ThreadLossesPorts;
  readonly #blame = new Blame();

  constructor(ports: ThreadLossesPorts) {
    this.#ports = ports;
  }

  /**
   * @param cause why it ended, if nobody asked it to
   * @param culprit whose guest has kept it, where that is why
   */
  ended(thread: number, cause: string | undefined, culprit?: NotedGuest): void {
    const { accounts, registry } = this.#ports;
    const running = accounts.running(thread);
    const lost = running.map((found) => accounts.runningOf(thread, found));
    accounts.clearThread(thread);
    if (cause === undefined) return;
    const suspects = running.flatMap((found) => {
      const live = registry.functions.live(found.tenant, found.name);
      return live === undefined ? [] : [{ ...live, ended: accounts.ended(found) }];
    });
    this.#account(running, lost);
    const message = `worker_lost: The serving thread was lost: ${cause}.`;
    if (culprit === undefined) {
      this.#log(suspects, message);
      this.#judge(suspects, cause);
      return;
    }
    const isCulprit = ({ tenant, name }: Suspect): boolean =>
      tenant === culprit.tenant && name === culprit.name;
    this.#log(
      suspects.filter((suspect) => !isCulprit(suspect)),
      message,
    );
    const { idEnd } = culprit;
    const during = idEnd === undefined ? 'While an instance was made it' : `Its invocation …${idEnd}`;
    this.#log(
      [culprit],
      `worker_lost: ${during} kept the serving thread without an end, and the thread was ended.`,
    );
    this.#judge(this.#suspectsOf([culprit]), 'it kept the thread without an end', true);
  }

  /** The process of an isolated tenant has ended, and was running these. */
  processEnded(running: readonly LostInvocation[], cause: string): void {
    const message = `worker_lost: The process of the tenant was lost: ${cause}.`;
    for (const { invocationId, ...found } of running) this.#log([found], message, invocationId);
    const functions = new Map(running.map((found) => [`${found.name}@${found.version}`, found]));
    this.#judge(this.#suspectsOf([...functions.values()]), cause);
  }

  /** Functions that were ended instead of their thread. */
  relieved(functions: readonly FunctionVersionName[]): void {
    this.#judge(this.#suspectsOf(functions), 'it filled the heap with host objects');
  }

  /** Those that are still there: what a function was running when it was removed goes on. */
  #suspectsOf(functions: readonly FunctionVersionName[]): Suspect[] {
    const { accounts, registry } = this.#ports;
    return functions.flatMap(({ tenant, name, version }) => {
      if (registry.functions.version(tenant, name, version) === undefined) return [];
      const column = accounts.functionColumn(tenant, name);
      return [{ tenant, name, version, ended: accounts.ended({ tenant, name, column }) }];
    });
  }

  /**
   * A record of its own for each invocation that is lost, as far as anybody knows: that it was, and of which function. The
   * process of an isolated tenant has not lost what it runs, and tells of it.
   */
  #account(functions: readonly AccountedFunction[], lost: readonly number[]): void {
    const { registry, usage, now } = this.#ports;
    for (const [i, { tenant, name }] of functions.entries()) {
      const live = registry.functions.live(tenant, name);
      const count = lost[i] ?? 0;
      if (live === undefined || count === 0) continue;
      if (registry.tenants.find(tenant)?.settings.isolation === 'process') continue;
      const writer = new UsageBatchWriter(count);
      for (let n = 0; n < count; n++) writer.append(live, '', useOfLost(now()));
      usage(writer.take());
    }
  }

  #judge(suspects: readonly Suspect[], cause: string, isProven = false): void {
    const { registry, now, report } = this.#ports;
    for (const found of this.#blame.record(suspects, cause, now(), isProven)) {
      try {
        registry.quarantines.impose(found);
      } catch (error) {
        report(`${found.tenant}/${found.name} version ${found.version} could not be quarantined`, error);
        continue;
      }
      report(`${found.tenant}/${found.name} version ${found.version} is quarantined: ${found.reason}`);
      this.#log([found], `function_quarantined: ${found.reason}`);
    }
  }

  #log(
    functions: readonly FunctionVersionName[],
    message: string,
    // What a dead thread was running is known by function, not by invocation: the record has an id of its own.
    invocationId = randomUUIDv7() as InvocationId,
  ): void {
    const timestampMs = this.#ports.now();
    this.#ports.log(
      functions.map(({ tenant, name, version }) => ({
        tenant,
        name,
        version,
        invocationId,
        timestampMs,
        level: 'error',
        source: 'host',
        message,
      })),
    );
  }
}
