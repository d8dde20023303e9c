/**
 * A serving thread: owns a listening socket, the routes and instances behind it, and nothing that another
 * thread writes. Everything durable it asks of the main thread. It begins when it is told which thread it is: until then
 * it has loaded its modules, and can take the place of any.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { createConsole } from './console/console.ts';
import { createControlPlane } from './control-plane/app.ts';
import { bearerKey } from './control-plane/authentication.ts';
import { KeyRing } from './control-plane/key-ring.ts';
import { createFrontDoor } from './front-door/app.ts';
import { Authorizer } from './front-door/authorizer.ts';
import { EventDeliveries } from './front-door/event-deliveries.ts';
import { FunctionUrls } from './front-door/function-urls.ts';
import { Gate } from './front-door/gate.ts';
import { useOfFailure } from './front-door/invocation-use.ts';
import { Invoker } from './front-door/invoker.ts';
import { IsolatedCalls } from './front-door/isolated-calls.ts';
import { createFrontServer } from './front-door/server.ts';
import { isFunctionsHost } from './front-door/shared-origin.ts';
import { UrlGuard } from './front-door/url-access.ts';
import { createGuestRuntime } from './guest-runtime.ts';
import { LoadedArtifact } from './instance/artifact.ts';
import { GuestNote } from './instance/guest-note.ts';
import { TRIM_EVERY_MS } from './instance/slot-pool.ts';
import { AUTHORIZER_LIMITS, FUNCTION_LIMITS, REFUSALS } from './limits/limits.ts';
import type { LiveFunction } from './model/function-version.ts';
import type { FunctionName, InvocationId, TenantName } from './model/ids.ts';
import type { SpanBatch } from './model/span-batch.ts';
import { Admission } from './scheduler/admission.ts';
import { monotonicMs } from './scheduler/monotonic-clock.ts';
import { QuotaTable } from './scheduler/quota-table.ts';
import { RefusalPace } from './scheduler/refusal-pace.ts';
import { WaitingRoom } from './scheduler/waiting-room.ts';
import { ArtifactCache } from './worker/artifact-cache.ts';
import { ChangeCounters } from './worker/change-counters.ts';
import { ConnectionLedger } from './worker/connection-ledger.ts';
import { openDescriptors } from './worker/descriptors.ts';
import { HeapWatch } from './worker/heap-watch.ts';
import { KeyCache } from './worker/key-cache.ts';
import { LogRelay } from './worker/log-relay.ts';
import { MainLink } from './worker/main-link.ts';
import type {
  FromWorker,
  HostServices,
  ResolvedFunction,
  ServeOrder,
  WorkerData,
} from './worker/messages.ts';
import { OutboundPools } from './worker/outbound-pools.ts';
import { Preparation } from './worker/preparation.ts';
import { RouteCache } from './worker/route-cache.ts';
import { TelemetryRelay } from './worker/telemetry-relay.ts';
import { TenantWeights } from './worker/tenant-weights.ts';
import { ThreadHeap } from './worker/thread-heap.ts';
import { Tracing } from './worker/tracing.ts';
import { UsageRelay } from './worker/usage-relay.ts';
import { UseNotes } from './worker/use-notes.ts';

/** Glue that one thread keeps evaluated; a StarlingMonkey handler's is 1 MB of source. */
const GLUE_BUDGET_BYTES = 512 * 1024 * 1024;

/** How often the thread notes that its event loop comes by; at the same time as the watch on its heap looks, so that nothing wakes it for that. */
const BEAT_MS = 100;

/** The API's key is the caller's, not the function's. */
const CREDENTIALS: ReadonlySet<string> = new Set(['authorization']);

function serve(data: WorkerData, order: ServeOrder, port: MessagePort): void {
  const draining = new AbortController();
  const link = new MainLink(port, {
    onDrain: (timeoutMs) => void drain(timeoutMs),
    onPrepare: (order) => preparation.prepare(order),
    onDeliver: (invocation, invocationId) => events.deliver(invocation, { invocationId }),
  });
  const uses = new UseNotes((functions) => link.notify({ kind: 'used', functions }));
  const logs = new LogRelay((records) => link.notify({ kind: 'logs', records }));
  const usage = new UsageRelay((batch) => link.notify({ kind: 'usage', batch }));
  const tracing = new Tracing(data.tracing);
  const telemetry = new TelemetryRelay({
    send: (news) => link.notify({ kind: 'telemetry', ...news }, memoryOf(news.batch)),
    slots: () => slots.counts,
  });
  const pools = new OutboundPools();
  const changes = new ChangeCounters(data.changes);
  const routes = new RouteCache(changes, (tenant, name) => link.call('resolve', { tenant, name }));
  const weights = new TenantWeights(changes, (tenant) => link.call('tenant', { tenant }));
  const keys = new KeyCache(changes, {
    ask: (id) => link.call('verifier', { id }),
    noteUse: (id) => link.call('keyUsed', { id }),
    now: Date.now,
  });
  const ring = new KeyRing({
    adminKey: data.adminKey,
    verifier: (id) => keys.verifier(id),
    now: Date.now,
    used: (id) => keys.used(id),
  });
  const artifacts = new ArtifactCache<LoadedArtifact>({
    load: async (key) => new LoadedArtifact(await link.call('artifact', { key })),
    sizeOf: (artifact) => artifact.codeBytes,
    budgetBytes: GLUE_BUDGET_BYTES,
  });
  const note = new GuestNote(data.notes, order.thread);
  const beating = setInterval(() => note.turn(), BEAT_MS).unref();
  const guests = createGuestRuntime({
    ...data,
    note,
    weightOf: (tenant) => weights.of(tenant as TenantName),
    onQuantum: () => heapWatch.lookSoon(),
    isAlone: () => invoker.hasOneAtMost,
  });
  const { slots, ports } = guests;
  const trimming = setInterval(() => {
    slots.trim();
    telemetry.noteSlots();
  }, TRIM_EVERY_MS).unref();
  const quotaTable = new QuotaTable(data.quotaTable);
  const admission = new Admission(quotaTable, order.thread, { monotonicMs, wallMs: Date.now });
  const preparation = new Preparation({
    resolve: async ({ tenant, name }) => {
      const route = await routes.resolve(tenant, name);
      // What is not run here is not made ready, either.
      return route?.quarantine === undefined && route?.process === undefined ? route : undefined;
    },
    artifact: (key) => artifacts.get(key),
    slots,
    later: setImmediate,
  });
  const resolve = (
    tenant: TenantName,
    name: FunctionName,
  ): ResolvedFunction | undefined | Promise<ResolvedFunction | undefined> => {
    const found = routes.resolve(tenant, name);
    if (!(found instanceof Promise)) return noteUse(found);
    return found.then(noteUse);
  };
  const isDraining = (): boolean => draining.signal.aborted;
  const invoker = new Invoker({
    ...ports,
    log: (record) => logs.append(record),
    resolve,
    artifact: (key) => artifacts.get(key),
    outbound: ({ live, tenantColumn }) =>
      pools.clientOf(live, {
        takeRequest: () => admission.takeOutbound(tenantColumn) === undefined,
        takeBytes: (bytes) => admission.takeOutboundBytes(tenantColumn, bytes),
      }),
    isolated: new IsolatedCalls({
      onLost: noteLoss,
      onOverdue: (socketPath) => link.notify({ kind: 'overdue', socketPath }),
      onUntold: (live, cause, error) => {
        const use = useOfFailure(cause, error);
        usage.appendLate(live, use);
        // What died says nothing any more; what lives tells of its spans itself.
        if (use.outcome === 'worker_lost' && cause.trace?.isRecorded)
          telemetry.add({ live, trace: cause.trace, use, links: cause.links, http: undefined });
      },
    }),
    gate: new Gate(admission, new WaitingRoom(quotaTable, admission)),
    usage: (live, fuelModel, use) => usage.append(live, fuelModel, use),
    trace: (cause) => tracing.begin(cause),
    resumeTrace: (handed) => tracing.resume(handed),
    traced: (invocation) => telemetry.add(invocation),
    refused: (live, code) => telemetry.countRefusal(live, code),
    refusals: new RefusalPace({ ...REFUSALS, rate: REFUSALS, monotonicMs }),
    isDraining,
    mustEnd(live) {
      const hasToEnd = heapWatch.mustEnd();
      if (hasToEnd) noteRelief([live]);
      return hasToEnd;
    },
  });
  const events = new EventDeliveries({ invoker, resolve, isDraining, nowMs: Date.now, report });
  const heap = new ThreadHeap();
  const heapWatch = new HeapWatch({
    limitBytes: heap.limitBytes,
    usedBytes: () => heap.usedBytes(),
    collect: () => heap.collect(),
    nextTurn: setImmediate,
    nowMs: monotonicMs,
    clear: () => slots.dispose(),
    relieve: () => {
      const functions = invoker.endHeaviest(
        'thread_out_of_memory',
        'The thread that served the request ran short of memory for host objects.',
      );
      noteRelief(functions);
      return functions.length > 0;
    },
  });
  heapWatch.start();
  const authorizer = new Authorizer<ResolvedFunction>({
    resolve: (tenant, name) => routes.resolve(tenant, name),
    ask: (route, event, gone, cause) =>
      invoker.ask(
        route,
        {
          trigger: 'authorizer',
          event,
          contentType: 'application/json',
          maxAnswerBytes: AUTHORIZER_LIMITS.answerBytes,
          timeoutMs: AUTHORIZER_LIMITS.timeoutMs,
          cause,
        },
        gone,
      ),
    nowMs: () => performance.now(),
  });
  const guard = new UrlGuard({
    identify: (key) => ring.identify(key),
    authorize: (target, access, request, gone) => authorizer.authorize(target, access, request, gone),
  });
  const functionsHost = data.functionsUrl === undefined ? undefined : new URL(data.functionsUrl).host;
  const urls = new FunctionUrls(invoker, guard, functionsHost);
  const app = createFrontDoor(urls);
  app.route('/', createConsole({ isServedAt: (host) => !isFunctionsHost(functionsHost, host) }));
  app.route(
    '/',
    createControlPlane({
      backend: backendOver(link),
      authenticate: (authorization) => ring.identify(bearerKey(authorization)),
      ...(data.scrapeToken === undefined ? {} : { scrapeToken: data.scrapeToken }),
      stagingDir: data.stagingDir,
      componentBytes: data.componentBytes,
      ceilings: data.ceilings,
      functionUrl: (tenant, name, origin) => `${data.functionsUrl ?? origin}/fn/${tenant}/${name}/`,
      invoke: ({ tenant, name }, incoming: IncomingMessage, outgoing: ServerResponse) =>
        invoker.call(
          {
            tenant,
            name,
            trigger: 'event',
            method: 'POST',
            pathWithQuery: '/',
            scriptName: '',
            hidden: CREDENTIALS,
          },
          incoming,
          outgoing,
        ),
      traceUrl: data.traceUrl,
      instancesOf: async ({ tenant, name }) => {
        const route = await routes.resolve(tenant, name);
        if (route === undefined) return undefined;
        try {
          return slots.describe(route.live, await artifacts.get(route.live.artifactKey));
        } catch (error) {
          report(`the artifact of ${tenant}/${name} cannot be described`, error);
          return undefined;
        }
      },
      followLogs: (tenant, name, listener) => logs.follow(tenant, name, listener),
      draining: draining.signal,
      report,
    }),
  );
  const { server, connections } = createFrontServer(app.fetch, urls, {
    // Per function the bound is tighter; this one keeps Node from answering 431 before we can.
    maxHeaderSize: FUNCTION_LIMITS.headerBytes.ceiling * 2,
    // A body may take as long as the longest invocation.
    requestTimeout: FUNCTION_LIMITS.timeoutMs.ceiling,
    headersTimeout: 60_000,
    maxConnections: data.connections,
    ledger: ledgerOf(data, order.thread),
  });
  server.on('error', (error: NodeJS.ErrnoException) => {
    // Accepting may fail later on, for want of file descriptors; the listener goes on.
    if (server.listening) report('a connection was not accepted', error);
    else link.notify({ kind: 'failed-to-listen', message: error.message, code: error.code ?? '' });
  });
  // Every thread listens on the same address; the kernel spreads connections over them.
  server.listen({ host: data.host, port: order.port, reusePort: true, backlog: 1_024 }, () => {
    link.notify({ kind: 'listening', port: (server.address() as AddressInfo).port });
    void guests.watchLoop(server);
  });

  function noteUse(route: ResolvedFunction | undefined): ResolvedFunction | undefined {
    if (route !== undefined) uses.note(route);
    return route;
  }

  function noteRelief(ended: readonly LiveFunction[]): void {
    const functions = ended.map(({ tenant, name, version }) => ({ tenant, name, version }));
    if (functions.length > 0) link.notify({ kind: 'relieved', functions });
  }

  function noteLoss(
    { tenant, name, version }: LiveFunction,
    socketPath: string,
    invocationId: InvocationId,
  ): void {
    link.notify({ kind: 'lost', socketPath, invocation: { tenant, name, version, invocationId } });
  }

  async function drain(timeoutMs: number): Promise<void> {
    draining.abort();
    const late = setTimeout(() => invoker.cancelAll('draining', 'The host has shut down.'), timeoutMs);
    const closed = new Promise((resolve) => server.close(resolve));
    const drained = connections.drain();
    await invoker.idle();
    clearTimeout(late);
    await Promise.all([closed, drained]);
    heapWatch.stop();
    guests.unwatchLoop();
    clearInterval(trimming);
    clearInterval(beating);
    await pools.close();
    logs.flush();
    usage.flush();
    telemetry.flush();
    uses.flush();
    link.notify({ kind: 'drained' });
  }
}

function memoryOf(batch: SpanBatch | undefined): ArrayBuffer[] {
  return batch === undefined ? [] : [batch.ids.buffer, batch.numbers.buffer];
}

/** Undefined where a connection cannot be kept open for a thread that died. */
function ledgerOf({ ledger }: WorkerData, thread: number): ConnectionLedger | undefined {
  const descriptors = openDescriptors();
  if (ledger === undefined || descriptors === undefined) return undefined;
  return new ConnectionLedger(ledger, thread, descriptors);
}

/** The control plane's backend, one message per call. */
function backendOver(link: MainLink): HostServices {
  return new Proxy({} as HostServices, {
    get: (_target, service) => (request: never, onProgress?: (value: never) => void) =>
      link.call(service as keyof HostServices, request, onProgress),
  });
}

/** For the operator's log; never for a caller. */
function report(message: string, error: unknown): void {
  const cause = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${new Date().toISOString()} ${message}: ${cause}\n`);
}

// A guest's task may fail between two timers of the glue, where nobody waits for it: the engine has seen the
// trap itself by then (guest.ts). What else ends up here is reported, and the thread goes on serving.
process.on('unhandledRejection', (error) => {
  if (error instanceof WebAssembly.RuntimeError) return;
  report('a promise in a serving thread was rejected and nobody waited for it', error);
});

const port = parentPort;
port?.once('message', (order: ServeOrder) => serve(workerData as WorkerData, order, port));
port?.postMessage({ kind: 'loaded' } satisfies FromWorker);
