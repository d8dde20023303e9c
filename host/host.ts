/**
 * A running host: registry, publisher and logs in this thread, serving threads beside it. `main.ts` is this
 * plus a terminal; tests start it the same way.
 *
 * One host owns a data folder at a time: the registry's file is locked for as long as it runs.
 */
import { access, constants, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BroadcastChannel } from 'node:worker_threads';
import type { HostConfig } from './config.ts';
import { type AdminKey, loadOrCreateAdminKey } from './control-plane/admin-key.ts';
import { createControlBackend } from './control-plane/control-backend.ts';
import { eventGauges } from './event-gauges.ts';
import { Events } from './events.ts';
import { answerForLostThread } from './front-door/last-answers.ts';
import { assertLimitRelations, HOST_LIMITS } from './limits/limits.ts';
import { Billing } from './metering/billing.ts';
import { SPAN_NAMES } from './metering/telemetry/span-names.ts';
import { Telemetry } from './metering/telemetry/telemetry.ts';
import { asTenantName } from './model/ids.ts';
import type { LogRecord } from './model/log-record.ts';
import type { UsageBatch } from './model/usage-batch.ts';
import { Publisher } from './publish/publisher.ts';
import { createQuotaTable, QuotaTable } from './scheduler/quota-table.ts';
import { ArtifactCollection } from './store/artifact-collection.ts';
import { ArtifactStore } from './store/artifacts.ts';
import { Backups } from './store/backup/backups.ts';
import { withoutBelated } from './store/belated-logs.ts';
import { LogStore } from './store/log-store.ts';
import { loadMasterKeys } from './store/master-keys.ts';
import { type FunctionId, RecentFunctions } from './store/recent-functions.ts';
import { Registry } from './store/registry.ts';
import { VERSION } from './version.ts';
import { ChangeCounters, keyKey, tenantKey } from './worker/change-counters.ts';
import { ConnectionLedger, createLedgerWords, ledgerCapacity } from './worker/connection-ledger.ts';
import { openDescriptors } from './worker/descriptors.ts';
import { createHostServices, isolatedFunction } from './worker/host-services.ts';
import { IsolatedProcesses } from './worker/isolated-processes.ts';
import { LOG_CHANNEL, type LogNotice } from './worker/messages.ts';
import { routeKey } from './worker/route-cache.ts';
import { TenantAccounts } from './worker/tenant-accounts.ts';
import { ThreadLosses } from './worker/thread-losses.ts';
import { ListenError, WorkerPool } from './worker/worker-pool.ts';
import { letObjectsDieYoung } from './young-generation.ts';

export interface RunningHost {
  /** `http://127.0.0.1:8787` */
  readonly origin: string;
  readonly port: number;
  readonly adminKey: AdminKey;
  /** Stops accepting, drains, releases everything. Idempotent. */
  stop(): Promise<void>;
}

const SUFFIX = import.meta.url.endsWith('.ts') ? '.ts' : '.js';
const SERVING_THREAD = new URL(`./serving-thread${SUFFIX}`, import.meta.url);
const ISOLATED_PROCESS = new URL(`./isolated-process${SUFFIX}`, import.meta.url);

/** What a host that is killed may have forgotten of what it was called for. */
const SAVE_RECENT_MS = 30_000;

/** How long usage may be on its way to the ledger (docs/from-call-to-invoice.md). */
const USAGE_WINDOW_MS = 1_000;

export const DEFAULT_TENANT = asTenantName('default')!;

/** The data folder cannot be made or written to. The message is for the operator's terminal. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
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
  letObjectsDieYoung();
  await refuseTakenPort(config.host, config.port);
  await openDataFolder(config.dataDir);
  const adminKey = await loadOrCreateAdminKey(config.dataDir, config.adminKey);
  await using stack = new AsyncDisposableStack();

  const masterKeys = await loadMasterKeys(config.masterKeys);
  const registry = stack.use(
    new Registry({
      path: join(config.dataDir, 'registry.db'),
      ceilings: config.ceilings,
      masterKeys,
      quotas: { functions: config.functionsPerTenant },
    }),
  );
  const { lost } = registry.secrets.rotate();
  if (lost > 0)
    report(`${lost} secrets were sealed with a key that is not given; functions that have them do not run`);
  const { lost: lostIngresses } = registry.events.signingSecrets.rotate();
  if (lostIngresses > 0)
    report(`${lostIngresses} signing secrets were sealed with a key that is not given; they open nothing`);
  // The operator's own, until somebody says otherwise.
  registry.tenants.ensure(DEFAULT_TENANT, { clock: 'fine' }, Date.now());
  const logs = stack.use(new LogStore({ path: join(config.dataDir, 'logs.db') }));
  const artifacts = new ArtifactStore(config.dataDir);
  await artifacts.sweep();
  // Uploads of an earlier process belong to nobody.
  const uploadDir = join(config.dataDir, 'uploads');
  await rm(uploadDir, { recursive: true, force: true });
  await mkdir(uploadDir, { mode: 0o700 });
  const collection = new ArtifactCollection({
    keys: () => artifacts.keys(),
    inUse: () => registry.functions.artifactKeysInUse(),
    remove: (key) => artifacts.remove(key),
    report,
  });
  stack.defer(() => collection.idle());
  await collection.collect();
  const publisher = new Publisher({
    artifacts,
    timeoutMs: config.publishTimeoutMs,
    memoryBytes: config.publishMemoryBytes,
    queue: config.publishQueue,
  });
  stack.defer(() => publisher.close());
  const { scrapeToken } = config.telemetry;
  const quotaTable = createQuotaTable(config.threads);
  const accounts: TenantAccounts = stack.use(
    new TenantAccounts({
      table: new QuotaTable(quotaTable),
      registry,
      now: Date.now,
      stoppedMonth: (tenant) => billing.budgetWatch.stoppedMonth(tenant),
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
  const recent = await RecentFunctions.open(join(config.dataDir, 'recent.json'));
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
  const control = createControlBackend({
    backups,
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

  const saveRecent = (): Promise<void> =>
    recent.save().catch((error: unknown) => report('the list of functions called last was not saved', error));
  stack.defer(saveRecent);
  const saving = setInterval(() => void saveRecent(), SAVE_RECENT_MS).unref();
  stack.defer(() => clearInterval(saving));

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
      rewind: config.rewind,
      idleMemoryBytes: Math.floor(config.idleMemoryBytes / config.threads),
      idleSlots: Math.floor(HOST_LIMITS.idleSlots / config.threads),
      tracing: config.telemetry.sampling,
    },
    heapBytes: config.threadHeapBytes,
    graceMs: config.drainTimeoutMs,
    resolve: ({ tenant, name }) => isolatedFunction({ registry, accounts }, tenant, name),
    onSpent: (tenant, fuel, outboundBytes) => accounts.spend(tenant, fuel, outboundBytes),
    onLogs: keepLogs,
    onUsage: keepUsage,
    onSpans: (spans) => telemetry.spans(spans),
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
      rewind: config.rewind,
      idleMemoryBytes: Math.floor(config.idleMemoryBytes / config.threads),
      idleSlots: Math.floor(HOST_LIMITS.idleSlots / config.threads),
      tracing: config.telemetry.sampling,
      spanNames: SPAN_NAMES,
      ...(scrapeToken === undefined ? {} : { scrapeToken }),
    },
    services: createHostServices({
      control,
      registry,
      artifacts,
      accounts,
      socketOf: (tenant) => isolated.socketOf(tenant),
    }),
    onLogs: keepLogs,
    onUsage: keepUsage,
    onTelemetry: (thread, news) => telemetry.thread(thread, news),
    onExit: (thread, cause) => {
      answerForThread(thread, cause);
      losses.ended(thread, cause);
      telemetry.threadEnded(thread, cause !== undefined);
    },
    onRelieved: (functions) => losses.relieved(functions),
    onProcessLost: (socketPath, running) => isolated.noteLoss(socketPath, running),
    onProcessOverdue: (socketPath) => isolated.noteOverdue(socketPath),
    heapBytes: config.threadHeapBytes,
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
  const prepare = (id: FunctionId): void => {
    pool.prepare(id);
    isolated.prepare(id);
  };
  registry.functions.onChange((tenant, name) => prepare({ tenant, name }));
  // Where its functions run may have changed: what lies ready elsewhere is given up.
  registry.tenants.onChange((tenant) => {
    if (registry.tenants.has(tenant))
      for (const { name } of registry.functions.list(tenant)) prepare({ tenant, name });
  });

  const owned = stack.move();
  let stopping: Promise<void> | undefined;
  return {
    origin: `http://${config.host.includes(':') ? `[${config.host}]` : config.host}:${port}`,
    port,
    adminKey,
    stop() {
      stopping ??= owned.disposeAsync();
      return stopping;
    },
  };
}

/** A socket's path has room for 107 bytes (Linux: unix(7)); where the data folder's is too long, one of the system's is taken. */
const SOCKET_FOLDER_BYTES = 90;

/** For sockets of tenants' processes; those of an earlier host are gone. */
async function openSocketFolder(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'sockets');
  if (Buffer.byteLength(folder) > SOCKET_FOLDER_BYTES) return mkdtemp(join(tmpdir(), 'mayfly-'));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

async function openDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataFolderError(`cannot use the data folder ${path}: ${reason}`, { cause: error });
  }
}

/**
 * The threads share their address (`reusePort`), and the kernel would let a second host of the same user share
 * it, too. A plain listener finds that out first.
 */
async function refuseTakenPort(host: string, port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`cannot listen on ${host}:${port}: ${error.message}`, error.code ?? ''));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}
