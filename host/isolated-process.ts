/**
 * The process of an isolated tenant: runs its functions, and nothing of anybody else. Who may call, and whether there is
 * room, the serving threads have decided that hand requests over; it has no registry, no key and no route to others.
 */

import { EventDeliveries } from './front-door/event-deliveries.ts';
import { Invoker } from './front-door/invoker.ts';
import { IsolatedCalls } from './front-door/isolated-calls.ts';
import { createIsolatedServer } from './front-door/isolated-server.ts';
import { createGuestRuntime } from './guest-runtime.ts';
import { setHeapPolicy } from './heap-policy.ts';
import { LoadedArtifact } from './instance/artifact.ts';
import { createGuestNotes, GuestNote } from './instance/guest-note.ts';
import { REFUSALS } from './limits/limits.ts';
import type { LiveFunction } from './model/function-version.ts';
import type { FunctionName } from './model/ids.ts';
import type { SlotUse } from './model/thread-telemetry.ts';
import { ArtifactCheck } from './publish/artifact-check.ts';
import { Admission } from './scheduler/admission.ts';
import { createQuotaTable, LIMIT, QuotaTable, STATE } from './scheduler/quota-table.ts';
import { RefusalPace } from './scheduler/refusal-pace.ts';
import { ArtifactStore } from './store/artifacts.ts';
import { ArtifactCache } from './worker/artifact-cache.ts';
import { CheckedCache } from './worker/checked-cache.ts';
import { compileArtifact } from './worker/compile-artifact.ts';
import { HeapWatch } from './worker/heap-watch.ts';
import { IsolatedLink } from './worker/isolated-link.ts';
import type { IsolatedFunction, IsolatedProcessData } from './worker/isolated-messages.ts';
import { LogRelay } from './worker/log-relay.ts';
import { OutboundPools } from './worker/outbound-pools.ts';
import { Preparation } from './worker/preparation.ts';
import { TelemetryRelay } from './worker/telemetry-relay.ts';
import { ThreadHeap } from './worker/thread-heap.ts';
import { Tracing } from './worker/tracing.ts';
import { UsageRelay } from './worker/usage-relay.ts';

const ARTIFACT_BUDGET_BYTES = 512 * 1024 * 1024;
const MAX_ROUTES = 10_000;
/** The tenant's, in a table of this process alone: only what guests send is counted in it. */
const COLUMN = 1;

/** Slots of processes are counted nowhere. */
const NO_SLOTS: SlotUse = { idle: 0, busy: 0, idleBytes: 0 };

interface ServingProcess {
  readonly preparation: Preparation;
  /** Tells what has been gathered. */
  finish(): void;
}

function serve(data: IsolatedProcessData): ServingProcess {
  setHeapPolicy();
  const { tenant } = data;
  const logs = new LogRelay((records) => link.notify({ kind: 'logs', records }));
  const usage = new UsageRelay((batch) => link.notify({ kind: 'usage', batch }));
  const store = new ArtifactStore(data.dataDir);
  const check = new ArtifactCheck(store, { tenantsOf: () => [tenant] });
  const artifacts = new ArtifactCache<LoadedArtifact>({
    load: async (key) => new LoadedArtifact(await compileArtifact(store, check, key)),
    sizeOf: (artifact) => artifact.codeBytes,
    budgetBytes: ARTIFACT_BUDGET_BYTES,
  });
  const guests = createGuestRuntime({
    ...data,
    // Nobody reads it: the host asks the process itself (worker/isolated-child.ts).
    note: new GuestNote(createGuestNotes(1), 0),
    onQuantum: () => heapWatch.lookSoon(),
    isAlone: () => invoker.hasOneAtMost,
  });
  const { slots, ports } = guests;
  const monotonicMs = (): number => performance.now();
  const table = new QuotaTable(createQuotaTable(1));
  const outbound = new Admission(table, 0, { monotonicMs, wallMs: Date.now });
  const pools = new OutboundPools();
  const known = new CheckedCache<IsolatedFunction>(MAX_ROUTES);
  /** As they were last asked for. */
  const routes = new Map<FunctionName, ReturnType<typeof routeOf>>();
  const tracing = new Tracing(data.tracing);
  const telemetry = new TelemetryRelay({
    send: ({ spans, batch }) => link.notify({ kind: 'spans', spans, batch }),
    slots: () => NO_SLOTS,
  });
  const invoker = new Invoker({
    ...ports,
    log: (record) => logs.append(record),
    resolve: (_tenant, name) => routes.get(name),
    artifact: (key) => artifacts.get(key),
    outbound: ({ live }) =>
      pools.clientOf(live, {
        takeRequest: () => outbound.takeOutbound(COLUMN) === undefined,
        takeBytes: (bytes) => {
          link.spend(0, bytes);
          return outbound.takeOutboundBytes(COLUMN, bytes);
        },
      }),
    isolated: new IsolatedCalls({ onLost: () => {}, onOverdue: () => {}, onUntold: () => {} }),
    // Whoever comes here has a place.
    gate: { enter: () => ({ kind: 'place', leave: (fuel) => link.spend(fuel, 0) }), close: () => {} },
    trace: (cause) => tracing.begin(cause),
    resumeTrace: (handed) => tracing.resume(handed),
    traced: (invocation) => telemetry.add(invocation),
    // It is counted where it is refused: at the gate of the thread that it came to.
    refused: () => {},
    usage: (live, fuelModel, use) => usage.append(live, fuelModel, use),
    refusals: new RefusalPace({ ...REFUSALS, rate: REFUSALS, monotonicMs }),
    isDraining: () => false,
    mustEnd(live) {
      const hasToEnd = heapWatch.mustEnd();
      if (hasToEnd) noteRelief([live]);
      return hasToEnd;
    },
  });
  const heap = new ThreadHeap(data.heapBytes);
  const heapWatch = new HeapWatch({
    limitBytes: heap.limitBytes,
    usedBytes: () => heap.usedBytes(),
    collect: () => heap.collect(),
    nextTurn: setImmediate,
    nowMs: monotonicMs,
    clear: () => slots.dispose(),
    relieve: () => {
      const detail = 'The process of the tenant ran short of memory for host objects.';
      const ended = invoker.endHeaviest('thread_out_of_memory', detail);
      noteRelief(ended);
      return ended.length > 0;
    },
  });
  heapWatch.start();
  const events = new EventDeliveries({
    invoker,
    resolve: (_tenant, name) => routes.get(name),
    isDraining: () => false,
    nowMs: Date.now,
    report,
  });
  const server = createIsolatedServer({
    tenant,
    invoker,
    events,
    refresh: async ({ name, count }) => {
      const found = known.get(name, count, () => link.resolve(name));
      const route = found instanceof Promise ? await found : found;
      if (route === undefined) {
        routes.delete(name);
        return undefined;
      }
      if (routes.get(name)?.live !== route.live) {
        takeLimits(route);
        routes.set(name, routeOf(route));
      }
      return routes.get(name);
    },
  });
  server.listen(data.socketPath, () => {
    link.notify({ kind: 'serving' });
    void guests.watchLoop(server);
  });

  function noteRelief(ended: readonly LiveFunction[]): void {
    const functions = ended.map(({ name, version }) => ({ tenant, name, version }));
    if (functions.length > 0) link.notify({ kind: 'relieved', functions });
  }

  function takeLimits({ outbound: quotas }: IsolatedFunction): void {
    table.setLimit(COLUMN, LIMIT.outboundRequestsPerSecond, quotas.requestsPerSecond);
    table.setLimit(COLUMN, LIMIT.outboundBytesPerMonth, quotas.bytesPerMonth);
    // What this process has counted may be ahead of what the host has heard.
    const missing = quotas.bytesOfMonth - table.state(COLUMN, STATE.outboundBytesOfMonth);
    outbound.takeOutboundBytes(COLUMN, Math.max(0, missing));
  }

  const preparation = new Preparation({
    resolve: async ({ name }) => {
      const route = await link.resolve(name);
      return route && { ...routeOf(route), tenant: route.tenant };
    },
    artifact: (key) => artifacts.get(key),
    slots,
    later: setImmediate,
  });
  return {
    preparation,
    finish() {
      logs.flush();
      usage.flush();
      telemetry.flush();
      // After what was spent in this turn of the loop.
      setImmediate(() => link.notify({ kind: 'finished' }));
    },
  };
}

function routeOf({ live, tenant }: IsolatedFunction) {
  return { live, tenant, tenantColumn: COLUMN, functionColumn: 0 };
}

/** For the operator's log; never for a caller. */
function report(message: string, error: unknown): void {
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${new Date().toISOString()} ${message}: ${cause}\n`);
}

let serving: ServingProcess | undefined;
const link = new IsolatedLink({
  onStart: (data) => {
    serving = serve(data);
  },
  onPrepare: (order) => serving?.preparation.prepare(order),
  onFinish: () => serving?.finish(),
});

// It ends with its host, and when the host says so; a terminal's Ctrl-C reaches every process of its group.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
// See serving-thread.ts: a guest's task may fail where nobody waits for it.
process.on('unhandledRejection', (error) => {
  if (error instanceof WebAssembly.RuntimeError) return;
  report('a promise was rejected and nobody waited for it', error);
});
