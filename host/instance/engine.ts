/**
 * Runs one invocation on this thread: a clean instance, its imports, its accounts, and one end.
 *
 * 1. An invocation settles exactly once: returned, or failed with the first cause. What the guest does after
 *    that reaches nobody.
 * 2. It settles from outside: a guest that never answers (parked, trapped inside a task, waiting for ever) is
 *    dropped, never waited for.
 * 3. After settling, its signal is aborted: timers, outbound requests and streams of it stop. Its slot, if it has one,
 *    is given back once nothing of the guest is left on a stack.
 */
import { type ErrorCode, MayflyError } from '../errors/errors.ts';
import { FUEL_SLICE } from '../limits/limits.ts';
import type { LiveFunction } from '../model/function-version.ts';
import { NO_HOST_CALLS } from '../model/host-call-kind.ts';
import type { TenantName } from '../model/ids.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { InstanceStart } from '../model/usage-record.ts';
import { ExitError } from '../wasi/cli/exit.ts';
import type { Clock, WasiContext } from '../wasi/context.ts';
import { NO_OUTBOUND_USE, type OutboundUse } from '../wasi/http/counted-outbound.ts';
import { serveHandler } from '../wasi/http/serve-handler-0.3.ts';
import { serveIncoming } from '../wasi/http/serve-incoming-0.2.ts';
import { createImports } from '../wasi/imports.ts';
import { DEADLINES } from './deadlines.ts';
import type { Delayed, DelayQueue } from './delay-queue.ts';
import { EndSignal } from './end-signal.ts';
import { assertHandler, serveEvent } from './event-call.ts';
import { startFresh } from './fresh-guest.ts';
import { FuelAccount } from './fuel-account.ts';
import { Guest } from './guest.ts';
import type { GuestExports } from './guest-exports.ts';
import type { GuestNote } from './guest-note.ts';
import type { GuestRun } from './guest-run.ts';
import { GuestTimers } from './guest-timers.ts';
import { InvocationContext, type InvocationPorts } from './invocation-context.ts';
import type { InvocationOptions } from './invocation-options.ts';
import type { Slot, StartSpace } from './slot.ts';
import type { Slots } from './slots.ts';
import { SpaceAccount } from './space-account.ts';
import { classifyTrap, type Failure, isErrorResult } from './trap.ts';

/** What the thread lends to every invocation. */
export interface EnginePorts {
  /** What guests see of time, unless their options say another one. */
  readonly clock: Clock;
  randomBytes(length: number): Uint8Array;
  /** Parks a guest that has used a slice of fuel; calls `resume` when it is its turn again, in a later turn of the event loop. */
  park(tenant: TenantName, fuel: number, resume: () => void, isOver: () => boolean): void;
  /** Before an invocation begins: at once (undefined), or when it is its turn. */
  admit(tenant: TenantName, isOver: () => boolean): Promise<void> | undefined;
  /** Before a guest goes on that waited for the host: at once (undefined), or when it is its turn. */
  goOn(tenant: TenantName, fuel: number, isOver: () => boolean): Promise<void> | undefined;
  /**
   * Whether a guest that has used up its slice takes another one without being parked.
   * @param hasOnlyComputed since it was resumed: it has called no function of the host
   */
  keepsThread(hasOnlyComputed: boolean): boolean;
  /** Whether a guest that cannot be parked must end where it stands, since the thread is short of memory for host objects. */
  mustEnd(live: LiveFunction): boolean;
  /** Fuel that was used since the last time its guest was parked. */
  charge(tenant: TenantName, fuel: number): void;
  log(record: LogRecord): void;
  /** In which stands when the thread is in a guest's code, and whose that is. */
  readonly note: GuestNote;
  readonly slots: Pick<Slots, 'take' | 'giveBack' | 'retireGuest'>;
}

/** How an invocation ended, and what it used by then. */
export interface InvocationResult {
  readonly failure: Failure | undefined;
  readonly fuel: number;
  readonly peakMemoryBytes: number;
  /** How long it waited for its turn before it began. */
  readonly queueMs: number;
  readonly initMs: number;
  readonly execMs: number;
  readonly logBytes: number;
  readonly start: InstanceStart;
  /** Calls of functions of the host, by whether the guest could be parked in them. */
  readonly immediateCalls: number;
  readonly waitingCalls: number;
  /** The same by what they are for, for each of HOST_CALL_KINDS. */
  readonly hostCalls: readonly number[];
  readonly outbound: OutboundUse;
}

/** The accounts of an invocation whose turn has come. */
interface Accounts {
  readonly fuel: FuelAccount;
  readonly memory: SpaceAccount;
  readonly tables: SpaceAccount;
}

export class RunningInvocation {
  readonly done: Promise<InvocationResult>;
  readonly #options: InvocationOptions;
  readonly #ports: EnginePorts;
  readonly #end = new EndSignal();
  readonly #timers = new GuestTimers();
  readonly #startedMs = performance.now();
  readonly #deadlines: DelayQueue;
  readonly #deadline: Delayed;
  #accounts: Accounts | undefined;
  #guest: Guest | undefined;
  #slot: Slot | undefined;
  #context: InvocationContext | undefined;
  /** When its turn came: until then it waited. */
  #beganMs: number | undefined;
  #initMs = 0;
  /** Of the fuel used, what its tenant's share has been charged with. */
  #reportedFuel = 0;
  #failure: Failure | undefined;
  /** Once it has settled; the counter may be another invocation's then (slot.ts). */
  #finalFuel: number | undefined;
  #settled = false;
  #resolve!: (result: InvocationResult) => void;

  constructor(options: InvocationOptions, ports: EnginePorts) {
    const { configuration } = options.live;
    this.#options = options;
    this.#ports = ports;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#deadlines = DEADLINES.of(configuration.timeoutMs);
    this.#deadline = this.#deadlines.add(() => this.#timeOut(), this.#startedMs);
    void this.#run();
  }

  /** Fuel used so far; none is added once it has settled. */
  get fuel(): number {
    return this.#finalFuel ?? this.#accounts?.fuel.used ?? 0;
  }

  /** Ends it from outside; does nothing once it has ended. */
  cancel(code: ErrorCode, detail: string): void {
    this.#fail({ code, detail, log: detail });
  }

  async #run(): Promise<void> {
    try {
      const { artifact, event, live } = this.#options;
      assertHandler(artifact.manifest, event);
      const turn = this.#ports.admit(live.tenant, this.#hasSettled);
      if (turn !== undefined) await turn;
      if (this.#settled) return;
      const beganMs = performance.now();
      this.#beganMs = beganMs;
      const context = new InvocationContext(this.#options, this.#contextPorts());
      this.#context = context;
      const started = this.#start(createImports(context));
      const exports = started instanceof Promise ? await started : started;
      this.#initMs = performance.now() - beganMs;
      await this.#call(exports, context);
      this.#settle();
    } catch (error) {
      if (isErrorResult(error))
        this.#fail(this.#classify(new MayflyError('function_failed', 'The handler returned an error.')));
      else this.#trapped(error);
    }
  }

  /** Until the guest has returned, and what it has answered with is on its way. */
  #call(
    { exports: handler, eventExports }: GuestExports,
    context: InvocationContext,
  ): undefined | Promise<void> {
    const { artifact, event, exchange } = this.#options;
    if (event !== undefined) return serveEvent(event, eventExports[event.handler]!);
    switch (artifact.manifest.handler) {
      case 'wasi:http/incoming-handler@0.2':
        return serveIncoming((request, out) => handler['handle']!(request, out), exchange, context);
      case 'wasi:http/handler@0.3':
        return serveHandler((request) => handler['handle']!(request), exchange, context);
      case 'wasi:cli/run@0.2':
        return this.#runCommand(handler['run']!, context);
      default:
        // Handlers of events only (assertHandler).
        return undefined;
    }
  }

  /** The exports of an instance that nobody has called yet. */
  #start(imports: ReturnType<typeof createImports>): GuestExports | Promise<GuestExports> {
    const { artifact, live } = this.#options;
    const slot = this.#ports.slots.take(live, artifact);
    if (slot !== undefined) {
      this.#slot = slot;
      const { guest, start } = slot;
      this.#guest = guest;
      const run = this.#createRun(start.memory, start.tables, guest.counter);
      slot.begin(run, imports);
      // As if it had been initialised for this invocation: what that takes does not depend on the road.
      run.fuel.charge(start.fuel);
      return slot.component;
    }
    const { initialMemoryBytes, initialTableEntries } = artifact;
    const memory = { used: initialMemoryBytes, peak: initialMemoryBytes };
    const tables = { used: initialTableEntries, peak: initialTableEntries };
    const guest = new Guest(this.#createRun(memory, tables));
    this.#guest = guest;
    return startFresh(guest, artifact, imports, this.#timers, (fuel) =>
      this.#ports.charge(live.tenant, fuel),
    );
  }

  /** @throws what says that the instance is larger than it may be */
  #createRun(
    startMemory: StartSpace,
    startTables: StartSpace,
    counter?: WebAssembly.Global<'i64'>,
  ): GuestRun {
    const memoryBytes = startMemory.used;
    const tableEntries = startTables.used;
    const { live } = this.#options;
    const { configuration } = live;
    const fuel = new FuelAccount(configuration.fuel, FUEL_SLICE, counter);
    const memory = new SpaceAccount(configuration.memoryBytes, memoryBytes, startMemory.peak);
    const tables = new SpaceAccount(configuration.tableEntries, tableEntries, startTables.peak);
    this.#accounts = { fuel, memory, tables };
    if (memoryBytes > configuration.memoryBytes) {
      throw new MayflyError(
        'memory_exceeded',
        `The component starts with ${memoryBytes} bytes of memory; memoryBytes is ${configuration.memoryBytes}.`,
      );
    }
    if (tableEntries > configuration.tableEntries) {
      throw new MayflyError(
        'table_exceeded',
        `The component starts with ${tableEntries} table entries; tableEntries is ${configuration.tableEntries}.`,
      );
    }
    return {
      fuel,
      memory,
      tables,
      onTrap: (error) => this.#trapped(error),
      onEnter: () => this.#timers.noteActivity(),
      isOver: () => this.#isOver(),
      yieldThread: (resume) =>
        this.#ports.park(live.tenant, this.#takeUnreported(), resume, this.#hasSettled),
      keepsThread: (hasOnlyComputed) => this.#ports.keepsThread(hasOnlyComputed),
      mustEnd: () => this.#ports.mustEnd(live),
      goOn: () => this.#ports.goOn(live.tenant, this.#takeUnreported(), this.#hasSettled),
      note: this.#ports.note,
      owner: this.#options,
    };
  }

  async #runCommand(run: () => unknown, context: WasiContext): Promise<void> {
    try {
      await run();
    } catch (error) {
      // result<_, _>: the error case carries nothing but itself.
      if (isErrorResult(error)) throw new MayflyError('function_failed', 'The command returned an error.');
      throw error;
    }
    context.stdout.end();
  }

  #contextPorts(): InvocationPorts {
    return {
      clock: this.#options.clock ?? this.#ports.clock,
      randomBytes: this.#ports.randomBytes,
      end: this.#end,
      log: (source, level, message) => this.#log(source, level, message),
      chargeFuel: (fuel) => this.#accounts?.fuel.charge(fuel),
      terminate: (code, detail) => {
        this.#fail({ code, detail, log: detail });
        return new MayflyError(code, detail);
      },
    };
  }

  #log(source: LogRecord['source'], level: LogRecord['level'], message: string): void {
    const { invocationId, live, trace } = this.#options;
    if (LEVEL_ORDER.indexOf(level) < LEVEL_ORDER.indexOf(live.configuration.logLevel)) return;
    this.#ports.log({
      tenant: live.tenant,
      name: live.name,
      version: live.version,
      invocationId,
      timestampMs: Date.now(),
      level,
      source,
      message,
      ...(trace === undefined ? {} : { traceId: trace.context.traceId, spanId: trace.context.spanId }),
    });
  }

  /**
   * A trap or an exit ends the invocation where it happens, even if the glue swallows it or the guest catches
   * it (an exit is a JavaScript exception, which `catch_all` takes).
   */
  #trapped(error: unknown): void {
    if (this.#settled || isErrorResult(error)) return;
    if (error instanceof ExitError && error.status === 0) this.#exited();
    else this.#fail(this.#classify(error));
  }

  #exited(): void {
    try {
      this.#context?.stdout.end();
      this.#settle();
    } catch (error) {
      this.#fail(this.#classify(error));
    }
  }

  #classify(error: unknown): Failure {
    if (error instanceof ExitError) {
      const detail = `The guest exited with status ${error.status}.`;
      return { code: 'function_failed', detail, log: detail };
    }
    return classifyTrap(error, this.#accounts, this.#guest?.lacksObjectSpace);
  }

  #takeUnreported(used = this.fuel): number {
    const fuel = used - this.#reportedFuel;
    this.#reportedFuel = used;
    return fuel;
  }

  /** For the run queue: nobody waits for its guest any more. */
  readonly #hasSettled = (): boolean => this.#settled;

  #isOver(): boolean {
    if (this.#settled) return true;
    // The timer cannot fire while a guest that may not be parked keeps the thread.
    if (performance.now() - this.#startedMs <= this.#options.live.configuration.timeoutMs) return false;
    this.#timeOut();
    return true;
  }

  #timeOut(): void {
    const detail = `No complete response within ${this.#options.live.configuration.timeoutMs} ms.`;
    this.#fail({ code: 'timed_out', detail, log: detail });
  }

  #fail(failure: Failure): void {
    if (this.#settled) return;
    this.#failure = failure;
    this.#context?.endLines();
    this.#log('host', 'error', `${failure.code}: ${failure.log}`);
    this.#settle();
  }

  #settle(): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#deadlines.delete(this.#deadline);
    this.#context?.endLines();
    const endedMs = performance.now();
    this.#options.trace?.end();
    const beganMs = this.#beganMs ?? endedMs;
    const fuel = this.#accounts?.fuel.close() ?? 0;
    this.#finalFuel = fuel;
    const result: InvocationResult = {
      failure: this.#failure,
      fuel,
      peakMemoryBytes: this.#accounts?.memory.peak ?? 0,
      queueMs: beganMs - this.#startedMs,
      initMs: this.#initMs,
      execMs: endedMs - beganMs - this.#initMs,
      logBytes: this.#context?.logBytes ?? 0,
      start: this.#guest === undefined ? 'none' : this.#slot?.isCold === false ? 'warm' : 'cold',
      immediateCalls: this.#guest?.callCounts.immediateCalls ?? 0,
      waitingCalls: this.#guest?.callCounts.waitingCalls ?? 0,
      hostCalls: this.#guest?.callCounts.hostCalls ?? NO_HOST_CALLS,
      outbound: this.#context?.outboundUse ?? NO_OUTBOUND_USE,
    };
    this.#ports.charge(this.#options.live.tenant, this.#takeUnreported(fuel));
    this.#endGuest();
    this.#timers.end();
    this.#end.end();
    this.#resolve(result);
  }

  #endGuest(): void {
    const guest = this.#guest;
    const slot = this.#slot;
    guest?.end();
    const { live, artifact } = this.#options;
    if (slot === undefined) guest?.whenQuiet(() => this.#ports.slots.retireGuest(guest));
    else slot.guest.whenQuiet(() => this.#ports.slots.giveBack(live, artifact, slot));
  }
}

const LEVEL_ORDER = ['trace', 'debug', 'info', 'warn', 'error', 'off'];
