/**
 * A running host: registry, publisher and logs in this thread, serving threads beside it. `main.ts` is this
 * plus a terminal; tests start it the same way.
 *
 * One host owns a data folder at a time: the registry's file is locked for as long as it runs.
 */
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { BroadcastChannel } from 'node:worker_threads';
import type { HostConfig } from './config.ts';
import { type AdminKey, loadOrCreateAdminKey } from './control-plane/admin-key.ts';
import { createControlBackend } from './control-plane/control-backend.ts';
import { openDataFolder, openSocketFolder, openUploadFolder, refuseLostRegistry } from './data-folder.ts';
import { eventGauges } from './event-gauges.ts';
import { Events } from './events.ts';
import { answerForLostThread } from './front-door/last-answers.ts';
import { setHeapPolicy } from './heap-policy.ts';
import { createGuestNotes } from './instance/guest-note.ts';
import { assertLimitRelations, HOST_LIMITS, SUPERSEDED_ARTIFACT_MS } from './limits/limits.ts';
import { Billing } from './metering/billing.ts';
import { Telemetry } from './metering/telemetry/telemetry.ts';
import type { LogRecord } from './model/log-record.ts';
import type { UsageBatch } from './model/usage-batch.ts';
import { Publisher } from './publish/publisher.ts';
import { Remetering } from './publish/remetering.ts';
import { createQuotaTable, QuotaTable } from './scheduler/quota-table.ts';
import { artifactsByUse } from './store/artifacts-by-use.ts';
import { Backups } from './store/backup/backups.ts';
import { withoutBelated } from './store/belated-logs.ts';
import type { Registry } from './store/registry.ts';
import { DEFAULT_TENANT, openStores } from './stores.ts';
import { VERSION } from './version.ts';
import { ChangeCounters, keyKey, tenantKey } from './worker/change-counters.ts';
import { ConnectionLedger, createLedgerWords, ledgerCapacity } from './worker/connection-ledger.ts';
import { openDescriptors } from './worker/descriptors.ts';
import { createHostServices, isolatedFunction } from './worker/host-services.ts';
import { IsolatedProcesses } from './worker/isolated-processes.ts';
import { LOG_CHANNEL, type LogNotice, type PrepareOrder } from './worker/messages.ts';
import { refuseTakenPort } from './worker/port-probe.ts';
import { routeKey } from './worker/route-cache.ts';
import { TenantAccounts } from './worker/tenant-accounts.ts';
import { ThreadLosses } from './worker/thread-losses.ts';
import { WorkerPool } from './worker/worker-pool.ts';

export interface RunningHost {
  /** `http://127.0.0.1:8787` */
  readonly origin: string;
  readonly port: number;
  readonly adminKey: AdminKey;
  /** Something will be published soon: the process for it (99 MiB) starts while it is built. */
  expectPublish(): void;
  /** Stops accepting, drains, releases everything. Idempotent. */
  stop(): Promise<void>;
}

const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const SERVING_THREAD = new URL(`./serving-thread${SUFFIX}`, import.meta.url);
const ISOLATED_PROCESS = new URL(`./isolated-process${SUFFIX}`, import.meta.url);

/** How long usage may be on its way to the ledger (docs/from-call-to-invoice.md). */
const USAGE_WINDOW_MS = 1_000;

/** An artifact that was replaced stays until it is on the disk that it was, and nobody is on the way to it. */
async function untilLeft(registry: Registry, stopping: AbortSignal): Promise<void> {
  await registry.durable();
  await delay(SUPERSEDED_ARTIFACT_MS, undefined, { ref: false, signal: stopping });
}

/**
 * @param report for the operator: what went wrong that no caller is told
 * @throws ListenError, DataFolderError, AdminKeyError, MasterKeyError, or the registry's own errors; their messages are for the
 *   operator
 */
export async function startHost(
  config: HostConfig,
  report: (message: string, error?: unknown) => void,
): Promise<RunningHost> {
  assertLimitRelations();
  setHeapPolicy();
  await refuseTakenPort(config.host, config.port);
  await openDataFolder(config.dataDir);
  const databases = ['usage.db', 'logs.db', ...(config.redis === undefined ? ['events.db'] : [])];
  await refuseLostRegistry(config.dataDir, databases, report);
  const adminKey = await loadOrCreateAdminKey(config.dataDir, config.adminKey);
  await using stack = new AsyncDisposableStack();

  const { registry, logs, artifacts, collection, recent } = await openStores(config, stack, report);
  const uploadDir = await openUploadFolder(config.dataDir);
  const publisher = new Publisher({
    artifacts,
    timeoutMs: config.publishTimeoutMs,
    memoryBytes: config.publishMemoryBytes,
    queue: config.publishQueue,
  });
  const stopping = new AbortController();
  stack.defer(() => stopping.abort());
  const remetering = new Remetering({
    isWanted: config.remetering,
    artifacts,
    publisher,
    inUse: () => artifactsByUse(registry, recent.list()),
    tenantsOf: (key) => registry.functions.tenantsOf(key),
    versionsOf: (key) => registry.versionArtifacts.versionsOf(key),
    replace: (tenant, from, to) => registry.versionArtifacts.replace(tenant, from, to, Date.now()),
    superseded: (key) => collection.spare(key, untilLeft(registry, stopping.signal)),
    durable: () => registry.durable(),
    keepingAll: (work) => collection.keepingAll(work),
    nowMs: Date.now,
    report,
  });
  stack.defer(async () => {
    await Promise.all([remetering.stop(), publisher.close()]);
  });
  const { scrapeToken } = config.telemetry;
  const quotaTable = createQuotaTable(config.threads);
  const accounts: TenantAccounts = stack.use(
    new TenantAccounts({
      table: new QuotaTable(quotaTable),
      registry,
      now: Date.now,
      stoppedMonth: (tenant) => billing.budgetWatch.stoppedMonth(tenant),
      report,
    }),
  );
  const billing = stack.use(
    await Billing.open({
      dataDir: config.dataDir,
      retention: config.usageRetention,
      registry,
      stop: (tenant, month) => accounts.stop(tenant, month),
      webhookSecret: config.webhookSecret,
      report,
    }),
  );
  const telemetry = stack.use(
    new Telemetry(config.telemetry, {
      version: VERSION,
      ledgerPending: () => billing.ledger.uncommitted,
      now: Date.now,
      report,
    }),
  );
  const events = stack.use(
    new Events({ config, registry, deliver: (invocation) => pool.deliver(invocation), report }),
  );
  telemetry.attachEvents(eventGauges(events, registry));
  // Broken off before anything that it copies is closed.
  const backups = stack.use(
    await Backups.open({
      dataDir: config.dataDir,
      registry,
      logs,
      collection,
      recent,
      queues: events.copied,
      copyUsage: (options) => billing.ledger.copyTo(options),
      usageWindowMs: USAGE_WINDOW_MS,
      release: VERSION,
      now: Date.now,
      report,
    }),
  );
  telemetry.attachRemetering(() => remetering.status);
  telemetry.attachBackups(async () => (await backups.list())[0]?.createdAtMs);
  const control = createControlBackend({
    backups,
    remetering,
    registry,
    logs,
    artifacts: collection,
    permanentTenant: DEFAULT_TENANT,
    publish: (job) => publisher.publish(job),
    functionsPerTenant: config.functionsPerTenant,
    quotaUse: (tenant) => accounts.use(tenant),
    askLedger: (method, request) => billing.ledger.call(method, request),
    budgetWatch: billing.budgetWatch,
    queues: events.queues,
    triggers: events,
    scrape: (format) => telemetry.scrape(format),
    now: Date.now,
  });

  const changes = new ChangeCounters();
  registry.functions.onChange((tenant, name) => changes.bump(routeKey(tenant, name)));
  registry.tenants.onChange((tenant) => changes.bump(tenantKey(tenant)));
  registry.keys.onChange((id) => changes.bump(keyKey(id)));
  const channel = new BroadcastChannel(LOG_CHANNEL);
  channel.unref();
  stack.defer(() => channel.close());
  const tellFollowers = (notice: LogNotice): void => channel.postMessage(notice);
  registry.tenants.onChange((tenant) => {
    if (!registry.tenants.has(tenant)) tellFollowers({ kind: 'tenant-gone', tenant });
  });
  const keepLogs = (records: readonly LogRecord[]): void => {
    const kept = withoutBelated(records, registry.tenants);
    telemetry.logs(kept);
    tellFollowers({ kind: 'records', records: logs.append(kept) });
  };
  const keepUsage = (batch: UsageBatch): void => {
    billing.ledger.append(batch);
    telemetry.usage(batch);
  };
  const descriptors = openDescriptors();
  const ledgerWords =
    descriptors &&
    createLedgerWords(config.threads, ledgerCapacity(config.threads, config.connectionsPerThread));
  const answerForThread = (thread: number, cause: string | undefined): void => {
    if (descriptors === undefined || ledgerWords === undefined) return;
    const ledger = new ConnectionLedger(ledgerWords, thread, descriptors);
    answerForLostThread(ledger, descriptors, cause ?? 'the host stops');
  };
  const socketFolder = await openSocketFolder(config.dataDir);
  stack.defer(() => rm(socketFolder, { recursive: true, force: true }));
  const isolated = new IsolatedProcesses({
    entry: ISOLATED_PROCESS,
    folder: socketFolder,
    data: {
      dataDir: config.dataDir,
      heapBytes: config.threadHeapBytes,
      rewind: config.rewind,
      idleMemoryBytes: Math.floor(config.idleMemoryBytes / config.threads),
      idleSlots: Math.floor(HOST_LIMITS.idleSlots / config.threads),
      tracing: config.telemetry.sampling,
    },
    graceMs: config.drainTimeoutMs,
    resolve: ({ tenant, name }) => isolatedFunction({ registry, accounts }, tenant, name),
    onSpent: (tenant, fuel, outboundBytes) => accounts.spend(tenant, fuel, outboundBytes),
    onLogs: keepLogs,
    onUsage: keepUsage,
    onSpans: (recorded) => telemetry.spans(recorded),
    onRelieved: (functions) => losses.relieved(functions),
    onReplaced: (tenant) => changes.bump(tenantKey(tenant)),
    onLost: (functions, cause) => losses.processEnded(functions, cause),
    recent: (tenant) => recent.list().filter((id) => id.tenant === tenant),
    report,
  });
  stack.defer(() => isolated.close());
  for (const tenant of registry.tenants.list()) isolated.sync(tenant.name, tenant);
  registry.tenants.onChange((name) => isolated.sync(name, registry.tenants.find(name)));
  const losses = new ThreadLosses({
    accounts,
    registry,
    log: keepLogs,
    usage: keepUsage,
    now: Date.now,
    report,
  });
  const pool = new WorkerPool({
    threads: config.threads,
    spareThreads: config.spareThreads,
    entry: SERVING_THREAD,
    port: config.port,
    data: {
      host: config.host,
      functionsUrl: config.functionsUrl,
      traceUrl: config.traceUrl,
      stagingDir: uploadDir,
      adminKey: adminKey.key,
      componentBytes: config.componentBytes,
      ceilings: config.ceilings,
      quotaTable,
      ledger: ledgerWords,
      connections: config.connectionsPerThread,
      changes: changes.buffer,
      notes: createGuestNotes(config.threads),
      rewind: config.rewind,
      idleMemoryBytes: Math.floor(config.idleMemoryBytes / config.threads),
      idleSlots: Math.floor(HOST_LIMITS.idleSlots / config.threads),
      tracing: config.telemetry.sampling,
      ...(scrapeToken === undefined ? {} : { scrapeToken }),
    },
    services: createHostServices({
      control,
      registry,
      artifacts,
      accounts,
      socketOf: (tenant) => isolated.socketOf(tenant),
      report,
    }),
    onLogs: keepLogs,
    onUsage: keepUsage,
    onTelemetry: (thread, news) => telemetry.thread(thread, news),
    onExit: (thread, cause, culprit) => {
      answerForThread(thread, cause);
      losses.ended(thread, cause, culprit);
      telemetry.threadEnded(thread, cause !== undefined);
    },
    onHung: () => telemetry.threadHung(),
    onRelieved: (functions) => losses.relieved(functions),
    onProcessLost: (socketPath, running) => isolated.noteLoss(socketPath, running),
    onProcessOverdue: (socketPath) => isolated.noteOverdue(socketPath),
    heapBytes: config.threadHeapBytes,
    hungMs: config.threadHungMs,
    onUsed: (functions) => recent.note(functions),
    recent: () => recent.list(),
    report,
  });
  // No more is claimed when the threads begin to finish; what they finish is settled.
  stack.defer(async () => {
    await Promise.all([events.drain(config.drainTimeoutMs), pool.drain(config.drainTimeoutMs)]);
  });
  const port = await pool.start();
  await events.start();
  const prepare = (order: PrepareOrder): void => {
    pool.prepare(order);
    isolated.prepare(order);
  };
  registry.functions.onChange((tenant, name) => prepare({ tenant, name }));
  registry.versionArtifacts.onReplaced((tenant, name) => {
    changes.bump(routeKey(tenant, name));
    prepare({ tenant, name, isRenewal: true });
  });
  const isolations = new Map(registry.tenants.list().map(({ name, settings }) => [name, settings.isolation]));
  // Where its functions run has changed: what lies ready elsewhere is given up. Nothing else of a tenant concerns them, and it may
  // have ten thousand.
  registry.tenants.onChange((tenant) => {
    const isolation = registry.tenants.find(tenant)?.settings.isolation;
    const before = isolations.get(tenant);
    if (isolation === undefined) isolations.delete(tenant);
    else isolations.set(tenant, isolation);
    if (isolation === undefined || before === undefined || isolation === before) return;
    for (const name of registry.functions.names(tenant)) prepare({ tenant, name });
  });
  remetering.start();

  const owned = stack.move();
  let stopped: Promise<void> | undefined;
  return {
    origin: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    port,
    adminKey,
    expectPublish: () => publisher.warm(),
    stop() {
      stopped ??= owned.disposeAsync();
      return stopped;
    },
  };
}
