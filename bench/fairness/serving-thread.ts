/**
 * A serving thread as the host's own one (host/serving-thread.ts), but for what this bench needs: every tenant has
 * every function, tenants have weights, and what each gets is measured at the run queue.
 */
import { randomFillSync } from 'node:crypto';
import { type AddressInfo, createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { createFrontDoor } from '../../host/front-door/app.ts';
import { FunctionUrls } from '../../host/front-door/function-urls.ts';
import { Gate } from '../../host/front-door/gate.ts';
import { Invoker } from '../../host/front-door/invoker.ts';
import { IsolatedCalls } from '../../host/front-door/isolated-calls.ts';
import { createFrontServer } from '../../host/front-door/server.ts';
import { Stages } from '../../host/front-door/stages.ts';
import { LoadedArtifact } from '../../host/instance/artifact.ts';
import { FUEL_SLICE, REFUSALS } from '../../host/limits/limits.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import { defaultTenantSettings } from '../../host/model/tenant.ts';
import { Admission } from '../../host/scheduler/admission.ts';
import { EVENT_LOOP } from '../../host/scheduler/event-loop.ts';
import { EventLoopWatch } from '../../host/scheduler/event-loop-watch.ts';
import { QuotaTable } from '../../host/scheduler/quota-table.ts';
import { RefusalPace } from '../../host/scheduler/refusal-pace.ts';
import { RunQueue } from '../../host/scheduler/run-queue.ts';
import { WaitingRoom } from '../../host/scheduler/waiting-room.ts';
import { SystemClock } from '../../host/wasi/clocks/system-clock.ts';
import { enginePorts } from '../../test/harness/engine-ports.ts';
import { OPEN_COLUMN, openQuotas } from '../../test/harness/open-quotas.ts';
import { createSlots } from '../../test/harness/slots.ts';
import type { Measured, ThreadData, ThreadInput, ThreadOutput } from './messages.ts';

const TICK_MS = 10;
/** Endless guests stay for the whole run, and do not run out of fuel. */
const CONFIGURATION = {
  ...defaultConfiguration(),
  fuel: Number.MAX_SAFE_INTEGER,
  timeoutMs: 2 ** 31 - 1,
  concurrency: 10_000,
};

const EVERYBODY = { admit: () => ({ hidden: new Set<string>(), added: [] }) };

class Ledger {
  readonly #tenants = new Map<string, { fuel: number; readonly sliceMs: number[] }>();
  readonly tickLateMs: number[] = [];
  #beganMs = 0;

  begin(): void {
    this.#beganMs = performance.now();
  }

  end(tenant: string, fuel: number): void {
    const entry = this.#tenants.get(tenant) ?? { fuel: 0, sliceMs: [] };
    entry.fuel += fuel;
    entry.sliceMs.push(performance.now() - this.#beganMs);
    this.#tenants.set(tenant, entry);
  }

  reset(): void {
    this.#tenants.clear();
    this.tickLateMs.length = 0;
  }

  measured(): Measured {
    return {
      tenants: Object.fromEntries(this.#tenants),
      tickLateMs: [...this.tickLateMs],
    };
  }
}

function serve({ artifacts, weights }: ThreadData, say: (message: ThreadOutput) => void): void {
  const ledger = new Ledger();
  const runQueue = new RunQueue({
    nextTurn: setImmediate,
    nowMs: () => performance.now(),
    quantum: FUEL_SLICE,
    weightOf: (tenant) => weights[tenant] ?? 1,
    isQuiet: () => invoker.hasOneAtMost && (loopWatch?.isQuiet() ?? false),
  });
  let loopWatch: EventLoopWatch | undefined;
  const loaded = new Map(
    Object.entries(artifacts).map(([name, message]) => [name, new LoadedArtifact(message)]),
  );
  const stages = new Stages({
    ...EVENT_LOOP,
    nowMs: () => performance.now(),
    isComputing: () => runQueue.computing > 0,
  });
  const clock = new SystemClock();
  const invoker = new Invoker({
    ...enginePorts({ slots: createSlots(), clock }),
    stages,
    clockOf: () => clock,
    randomBytes: (length) => randomFillSync(new Uint8Array(length)),
    park: (tenant, fuel, resume, isOver) => {
      ledger.end(tenant, fuel);
      const resumed = (): void => {
        ledger.begin();
        resume();
      };
      runQueue.park(tenant, fuel, resumed, isOver);
    },
    admit: (tenant, isOver) => {
      const turn = runQueue.admit(tenant, isOver);
      if (turn === undefined) ledger.begin();
      return turn?.then(() => ledger.begin());
    },
    goOn: (tenant, fuel, isOver) => runQueue.goOn(tenant, fuel, isOver),
    charge: (tenant, fuel) => runQueue.charge(tenant, fuel),
    keepsThread: (hasOnlyComputed) => !stages.isHolding && runQueue.keepsTurn(hasOnlyComputed),
    resolve: (owner: TenantName, name: FunctionName) => {
      const artifact = loaded.get(name);
      if (artifact === undefined) return undefined;
      const { handler } = artifact.manifest;
      const live = {
        tenant: owner,
        name,
        generation: 0,
        version: 1,
        handler,
        artifactKey: name,
        configuration: CONFIGURATION,
      };
      const tenant = { settings: defaultTenantSettings() };
      return { live, tenant, tenantColumn: OPEN_COLUMN, functionColumn: OPEN_COLUMN };
    },
    artifact: (key) => loaded.get(key)!,
    outbound: () => ({ send: () => Promise.reject(new Error('nothing is sent')) }),
    gate: openGate(),
    isolated: new IsolatedCalls({ onLost: () => {}, onOverdue: () => {}, onUntold: () => {} }),
    usage: () => {},
    trace: () => undefined,
    resumeTrace: () => {
      throw new Error('nothing is handed over here');
    },
    traced: () => {},
    refused: () => {},
    refusals: new RefusalPace({ ...REFUSALS, rate: REFUSALS, monotonicMs: () => performance.now() }),
    isDraining: () => false,
  });
  const urls = new FunctionUrls(invoker, EVERYBODY);
  const { server } = createFrontServer(createFrontDoor(urls).fetch, urls, { requestTimeout: 0 });
  const echo = createServer((socket) => {
    socket.setNoDelay(true).pipe(socket);
    socket.on('error', () => {});
  });
  server.listen(0, '127.0.0.1', () =>
    echo.listen(0, '127.0.0.1', async () => {
      loopWatch = await EventLoopWatch.of(server);
      const portOf = ({ port }: AddressInfo): number => port;
      const httpPort = portOf(server.address() as AddressInfo);
      say({ kind: 'ready', httpPort, echoPort: portOf(echo.address() as AddressInfo) });
    }),
  );
  tick(ledger.tickLateMs);
  parentPort?.on('message', ({ kind }: ThreadInput) => {
    if (kind === 'reset') ledger.reset();
    else if (kind === 'look') say({ kind: 'measured', measured: ledger.measured() });
    else process.exit();
  });
}

/** One that lets everybody in. */
function openGate(): Gate {
  const table = new QuotaTable(openQuotas(1));
  const admission = new Admission(table, 0, { monotonicMs: () => performance.now(), wallMs: Date.now });
  return new Gate(admission, new WaitingRoom(table, admission));
}

function tick(lateMs: number[]): void {
  const due = performance.now() + TICK_MS;
  setTimeout(() => {
    lateMs.push(performance.now() - due);
    tick(lateMs);
  }, TICK_MS);
}

serve(workerData as ThreadData, (message) => parentPort?.postMessage(message));
