/**
 * The processes of tenants that are not to share an address space with others: one for each, started when it is asked for
 * by the tenant's settings, replaced when it dies, ended when they say otherwise.
 *
 * 1. At most one process of a tenant takes new requests. One that is being left serves what it runs, for a while.
 * 2. A socket's path belongs to one process for good: a request never reaches a later one that it was not meant for.
 * 3. Whoever knows a process by its socket hears of its end before the next one is asked for ({@link
 *    IsolatedProcessesPorts.onReplaced}).
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MayflyError } from '../errors/errors.ts';
import type { TenantName } from '../model/ids.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { Tenant } from '../model/tenant.ts';
import type { RecordedSpans } from '../model/thread-telemetry.ts';
import type { UsageBatch } from '../model/usage-batch.ts';
import type { FunctionId } from '../store/recent-functions.ts';
import { IsolatedChild } from './isolated-child.ts';
import type { IsolatedFunction, IsolatedProcessData } from './isolated-messages.ts';
import type { FunctionVersionName, LostInvocation, PrepareOrder } from './messages.ts';

export interface IsolatedProcessesPorts {
  /** Module that a process runs. */
  readonly entry: URL;
  /** For sockets; nobody else may enter it. */
  readonly folder: string;
  readonly data: Omit<IsolatedProcessData, 'tenant' | 'socketPath'>;
  /** How long one that is being left may go on with what it runs. */
  readonly graceMs: number;
  resolve(id: FunctionId): IsolatedFunction | undefined;
  /** Fuel of invocations that have ended, and bytes of outbound bodies. */
  onSpent(tenant: TenantName, fuel: number, outboundBytes: number): void;
  onLogs(records: readonly LogRecord[]): void;
  onUsage(batch: UsageBatch): void;
  onSpans(recorded: RecordedSpans): void;
  onRelieved(functions: readonly FunctionVersionName[]): void;
  /** The process of a tenant is another one now. */
  onReplaced(tenant: TenantName): void;
  /** A process was lost while it ran these. */
  onLost(running: readonly LostInvocation[], cause: string): void;
  /** What a process makes ready when it starts, in this order. */
  recent(tenant: TenantName): readonly FunctionId[];
  /** For the operator. */
  report(message: string): void;
}

/** A process that dies within this time of its start is not replaced at once: the next attempt waits as long. */
const RESTART_PAUSE_MS = 500;

/**
 * Serving threads hear of a loss by their sockets, within milliseconds of the host, before it or after. What they have
 * noted of a process that lives on was an answer that it broke off itself, of a guest that trapped in the middle of it.
 */
const LOSS_NOTICES_MS = 250;
const LOSS_AGE_MS = 2_000;

interface Entry {
  /** Once it listens; rejects if it dies before. */
  readonly child: Promise<IsolatedChild>;
  /** The process as it starts; absent during a pause. */
  starting: IsolatedChild | undefined;
  isLeft: boolean;
}

interface NotedLoss {
  readonly invocation: LostInvocation;
  readonly notedMs: number;
}

export class IsolatedProcesses {
  readonly #ports: IsolatedProcessesPorts;
  readonly #entries = new Map<TenantName, Entry>();
  readonly #alive = new Set<IsolatedChild>();
  /** By the socket of a process that is not judged yet: what serving threads have lost with it. */
  readonly #losses = new Map<string, NotedLoss[]>();
  #sockets = 0;
  #isClosed = false;

  constructor(ports: IsolatedProcessesPorts) {
    this.#ports = ports;
  }

  /** Starts or leaves the process of a tenant, as its settings say; `tenant` is undefined where it is gone. */
  sync(name: TenantName, tenant: Tenant | undefined): void {
    if (this.#isClosed) return;
    const isWanted = tenant?.settings.isolation === 'process';
    const entry = this.#entries.get(name);
    if (isWanted && entry === undefined) this.#start(name, 0);
    else if (!isWanted && entry !== undefined) this.#leave(name, entry);
  }

  /**
   * Where the process of a tenant listens, once it does.
   * @throws MayflyError worker_lost if it died before, draining
   */
  async socketOf(tenant: TenantName): Promise<string> {
    if (this.#isClosed) throw new MayflyError('draining', 'The host stops.');
    const entry = this.#entries.get(tenant) ?? this.#start(tenant, 0);
    return (await entry.child).socketPath;
  }

  /** For operators and tests. */
  pidOf(tenant: TenantName): number | undefined {
    return this.#entries.get(tenant)?.starting?.pid;
  }

  /** Has the process of its tenant, if there is one, make a function ready. */
  prepare(order: PrepareOrder): void {
    this.#entries.get(order.tenant)?.starting?.prepare(order);
  }

  /** A serving thread has waited longer for a process than what that runs may take. */
  noteOverdue(socketPath: string): void {
    for (const child of this.#alive) if (child.socketPath === socketPath) void child.probe();
  }

  /** A serving thread has lost a process while that ran this, or the process has broken its answer off. */
  noteLoss(socketPath: string, invocation: LostInvocation): void {
    const losses = this.#losses.get(socketPath);
    if (losses === undefined) return;
    const notedMs = performance.now();
    while (losses.length > 0 && notedMs - losses[0]!.notedMs > LOSS_AGE_MS) losses.shift();
    losses.push({ invocation, notedMs });
  }

  /** Ends all of them. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#alive].map((child) => child.finish()));
  }

  #start(tenant: TenantName, pauseMs: number): Entry {
    const entry: Entry = {
      child: this.#begin(tenant, pauseMs, () => entry),
      starting: undefined,
      isLeft: false,
    };
    // Whoever asks for it hears of a failure, and the process is tried again.
    entry.child.catch(() => {});
    this.#entries.set(tenant, entry);
    return entry;
  }

  async #begin(tenant: TenantName, pauseMs: number, entryOf: () => Entry): Promise<IsolatedChild> {
    // In a later turn in any case: the entry is there then.
    await delay(pauseMs);
    const entry = entryOf();
    if (this.#isClosed || entry.isLeft)
      throw new MayflyError('draining', 'The process is not wanted any more.');
    const { entry: module, data, folder } = this.#ports;
    const socketPath = join(folder, `${this.#sockets++}.sock`);
    const startedMs = performance.now();
    const child = new IsolatedChild(
      module,
      { ...data, tenant, socketPath },
      {
        resolve: (id) => this.#ports.resolve(id),
        onSpent: (fuel, outboundBytes) => this.#ports.onSpent(tenant, fuel, outboundBytes),
        onLogs: (records) => this.#ports.onLogs(records),
        onUsage: (batch) => this.#ports.onUsage(batch),
        onSpans: (recorded) => this.#ports.onSpans(recorded),
        onRelieved: (functions) => this.#ports.onRelieved(functions),
      },
    );
    entry.starting = child;
    this.#losses.set(socketPath, []);
    this.#alive.add(child);
    void child.ended.then((cause) => this.#ended(tenant, entry, child, cause, startedMs));
    await child.serving;
    for (const id of this.#ports.recent(tenant)) child.prepare(id);
    return child;
  }

  #ended(tenant: TenantName, entry: Entry, child: IsolatedChild, cause: string, startedMs: number): void {
    this.#alive.delete(child);
    if (this.#isClosed || entry.isLeft) {
      this.#losses.delete(child.socketPath);
      return;
    }
    this.#ports.report(`the process of tenant ${tenant} is lost (${cause}); starting another`);
    const isYoung = performance.now() - startedMs < RESTART_PAUSE_MS;
    this.#start(tenant, isYoung ? RESTART_PAUSE_MS : 0);
    this.#ports.onReplaced(tenant);
    const endedMs = performance.now();
    setTimeout(() => {
      const losses = this.#losses.get(child.socketPath) ?? [];
      this.#losses.delete(child.socketPath);
      const running = losses.filter(({ notedMs }) => endedMs - notedMs < LOSS_AGE_MS);
      if (!this.#isClosed)
        this.#ports.onLost(
          running.map(({ invocation }) => invocation),
          cause,
        );
    }, LOSS_NOTICES_MS).unref();
  }

  #leave(tenant: TenantName, entry: Entry): void {
    entry.isLeft = true;
    this.#entries.delete(tenant);
    const { starting } = entry;
    if (starting === undefined) return;
    setTimeout(() => void starting.finish(), this.#ports.graceMs).unref();
  }
}
