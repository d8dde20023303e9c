/**
 * A control plane behind a real socket: the real registry, logs and service, a publisher and functions that
 * are stood in for. What crosses to the main thread in the host is cloned here as well, errors included.
 */
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAdaptorServer } from '@hono/node-server';
import { createControlPlane } from '../../host/control-plane/app.ts';
import { type Authenticate, bearerKey } from '../../host/control-plane/authentication.ts';
import { CONTROL_METHODS, type ControlBackend } from '../../host/control-plane/backend.ts';
import type { BackupServicePorts } from '../../host/control-plane/backup-service.ts';
import type { AskLedger } from '../../host/control-plane/billing-service.ts';
import { createControlBackend } from '../../host/control-plane/control-backend.ts';
import type { StreamView } from '../../host/control-plane/event-ports.ts';
import { KeyRing } from '../../host/control-plane/key-ring.ts';
import type { FunctionReference } from '../../host/control-plane/references.ts';
import type { RemeteringServicePorts } from '../../host/control-plane/remetering-service.ts';
import type { PublishedArtifact, PublishJob } from '../../host/control-plane/service.ts';
import { fromErrorMessage, MayflyError, toErrorMessage } from '../../host/errors/errors.ts';
import { closeAfterEarlyRefusal } from '../../host/front-door/server.ts';
import type { FunctionLimitValues } from '../../host/limits/limits.ts';
import { type BudgetAlertMessage, BudgetWatch } from '../../host/metering/budget-watch.ts';
import { Ledger, type UsageRetention } from '../../host/metering/ledger.ts';
import { createLedgerService } from '../../host/metering/ledger-service.ts';
import type { KeyScope } from '../../host/model/api-key.ts';
import { type Backup, backupIdOf } from '../../host/model/backup.ts';
import type { ConsumerStatus } from '../../host/model/consumer-status.ts';
import type { LogRecord } from '../../host/model/log-record.ts';
import { createQuotaTable, QuotaTable } from '../../host/scheduler/quota-table.ts';
import { ArtifactCollection } from '../../host/store/artifact-collection.ts';
import { defaultCeilings } from '../../host/store/ceilings.ts';
import { LogStore, type StoredLogRecord } from '../../host/store/log-store.ts';
import { MasterKeys } from '../../host/store/master-keys.ts';
import { SqliteQueues } from '../../host/store/queues/sqlite-queues.ts';
import { Registry } from '../../host/store/registry.ts';
import { TenantAccounts } from '../../host/worker/tenant-accounts.ts';
import { functionNamed, tenantNamed } from '../store/publications.ts';

const KEPT_FOR_EVER: UsageRetention = {
  recordDays: 10_000,
  minuteDays: 10_000,
  hourDays: 10_000,
  dayDays: 10_000,
  maxRecords: 1_000_000,
};

export const ADMIN_KEY = 'mayfly_test-key-0123456789';

export interface ServerOptions {
  readonly componentBytes?: number;
  readonly jsonBodyBytes?: number;
  readonly functionsPerTenant?: number;
  readonly ceilings?: Partial<FunctionLimitValues>;
  readonly authenticate?: Authenticate;
  readonly masterKeys?: readonly string[];
  /** Whether it has a Redis, by its own account. */
  readonly hasStreams?: boolean;
  /** Runs before each publish; may wait or throw. */
  readonly beforePublish?: (job: PublishJob, content: string) => Promise<void> | void;
  /** Replaces methods of the backend. */
  readonly backend?: Partial<ControlBackend>;
  readonly invoke?: (
    reference: FunctionReference,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
  ) => Promise<void>;
}

export interface RequestOptions {
  readonly key?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | ReadableStream<Uint8Array>;
  readonly signal?: AbortSignal;
}

export class ControlPlaneServer implements AsyncDisposable {
  readonly registry: Registry;
  readonly logs = new LogStore({ path: ':memory:' });
  readonly queues = new SqliteQueues({ path: ':memory:', now: () => this.nowMs() });
  /** What the consumer of every mapping is said to do. */
  status: ConsumerStatus = {
    state: 'idle',
    inFlight: 0,
    counts: { succeeded: 0, retried: 0, dead: 0, filtered: 0 },
  };
  /** What every mapping of a stream reads. */
  stream: StreamView | undefined;
  readonly draining = new AbortController();
  readonly reports: { readonly message: string; readonly error: unknown }[] = [];
  readonly jobs: PublishJob[] = [];
  readonly alerts: BudgetAlertMessage[] = [];
  readonly ledger = new Ledger({ path: ':memory:', retention: KEPT_FOR_EVER });
  readonly stagingDir: string;
  /** One for each request that has reached the app, settled when its handler has ended. */
  readonly handled: Promise<unknown>[] = [];
  readonly followers = new Set<(record: StoredLogRecord) => void>();
  origin = '';
  /** A test may set the clock. */
  nowMs: () => number = Date.now;
  #server: Server | undefined;
  #accounts: TenantAccounts | undefined;

  static async start(options: ServerOptions = {}): Promise<ControlPlaneServer> {
    const stagingDir = await mkdtemp(join(tmpdir(), 'mayfly-staging-'));
    const server = new ControlPlaneServer(stagingDir, options);
    await server.#listen(options);
    return server;
  }

  private constructor(stagingDir: string, options: ServerOptions) {
    this.stagingDir = stagingDir;
    this.registry = new Registry({
      path: ':memory:',
      ceilings: { ...defaultCeilings(), ...options.ceilings },
      masterKeys: new MasterKeys(options.masterKeys ?? [Buffer.alloc(32, 7).toString('base64')]),
    });
    this.registry.tenants.ensure(tenantNamed('default'), {}, 0);
  }

  /** Takes log records in as the host does: stored, then told to those who follow. */
  log(records: readonly LogRecord[]): void {
    for (const record of this.logs.append(records)) for (const tell of this.followers) tell(record);
  }

  request(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
    const key = 'key' in options ? options.key : ADMIN_KEY;
    return fetch(`${this.origin}${path}`, {
      method,
      headers: { ...(key === undefined ? {} : { authorization: `Bearer ${key}` }), ...options.headers },
      ...(options.body === undefined ? {} : { body: options.body, duplex: 'half' }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
  }

  /** Creates a key as the operator; gives its id and its text. */
  async createKey(
    tenant: string,
    name: string,
    scopes: readonly KeyScope[],
  ): Promise<{ id: string; key: string }> {
    const response = await this.sendJson('POST', `/v1/tenants/${tenant}/keys`, { name, scopes });
    if (response.status !== 201) throw new Error(await response.text());
    return (await response.json()) as { id: string; key: string };
  }

  publish(name: string, content: string, query = ''): Promise<Response> {
    return this.request('PUT', `${functionPath(name)}${query}`, {
      headers: { 'content-type': 'application/wasm' },
      body: content,
    });
  }

  sendJson(method: string, path: string, body: unknown): Promise<Response> {
    return this.request(method, path, {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  }

  staged(): Promise<string[]> {
    return readdir(this.stagingDir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const server = this.#server;
    if (server) {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    }
    this.#accounts?.[Symbol.dispose]();
    this.logs.close();
    this.ledger[Symbol.dispose]();
    await this.queues[Symbol.asyncDispose]();
    this.registry.close();
    await rm(this.stagingDir, { recursive: true });
  }

  async #listen(options: ServerOptions): Promise<void> {
    const ceilings = { ...defaultCeilings(), ...options.ceilings };
    const table = new QuotaTable(createQuotaTable(1));
    const ledger = createLedgerService(this.ledger);
    const askLedger: AskLedger = async (method, request) => ledger[method](request as never) as never;
    const budgetWatch = new BudgetWatch({
      budgets: this.registry.budgets,
      prices: this.registry.prices,
      generationOf: (tenant) => this.registry.audit.generationOf(tenant),
      billedUse: (month) => askLedger('billedUse', month),
      stop: (tenant, month) => accounts.stop(tenant, month),
      send: async (message) => void this.alerts.push(message),
      later: () => {},
      now: () => this.nowMs(),
      report: (message, error) => this.reports.push({ message, error }),
    });
    const accounts = new TenantAccounts({
      table,
      registry: this.registry,
      now: Date.now,
      stoppedMonth: (tenant) => budgetWatch.stoppedMonth(tenant),
      report: (message, error) => this.reports.push({ message, error }),
    });
    this.#accounts = accounts;
    const service = createControlBackend({
      quotaUse: (tenant) => accounts.use(tenant),
      scrape: async (format) => `# ${format}\n`,
      backups: standInBackups(this.registry, () => this.nowMs()),
      remetering: STAND_IN_REMETERING,
      askLedger,
      budgetWatch,
      queues: this.queues,
      triggers: {
        mappingStatus: () => this.status,
        functionStatus: () => this.status,
        hasStreams: options.hasStreams ?? false,
        stream: () => this.stream,
      },
      registry: this.registry,
      logs: this.logs,
      artifacts: noArtifacts(),
      permanentTenant: tenantNamed('default'),
      publish: (job) => this.#publish(job, options),
      functionsPerTenant: options.functionsPerTenant ?? 1_000,
      now: () => this.nowMs(),
    });
    const ring = new KeyRing({
      adminKey: ADMIN_KEY,
      verifier: (id) => this.registry.keys.verifier(id),
      now: () => this.nowMs(),
      used: (id) => this.registry.keys.used(id, this.nowMs()),
    });
    const app = createControlPlane({
      backend: { ...acrossThreads(service), ...options.backend },
      authenticate: options.authenticate ?? ((header) => ring.identify(bearerKey(header))),
      stagingDir: this.stagingDir,
      componentBytes: options.componentBytes ?? 1_000_000,
      ...(options.jsonBodyBytes === undefined ? {} : { jsonBodyBytes: options.jsonBodyBytes }),
      ceilings,
      instancesOf: async () => ({ road: 'linked', rewind: 'pagemap', reason: null }),
      traceUrl: 'https://traces.example/{trace_id}',
      functionUrl: (tenant, name, origin) => `${origin}/fn/${tenant}/${name}/`,
      invoke: options.invoke ?? (async (_reference, _incoming, outgoing) => void outgoing.end('answer')),
      followLogs: (_tenant, _name, listener) => {
        this.followers.add(listener);
        return () => this.followers.delete(listener);
      },
      draining: this.draining.signal,
      report: (message, error) => this.reports.push({ message, error }),
    });
    const server = createAdaptorServer({
      overrideGlobalObjects: false,
      fetch: (request, env) => {
        const handling = Promise.resolve(app.fetch(request, env as never));
        this.handled.push(handling);
        return handling;
      },
    }) as Server;
    // As the host's own does: Hono closes a connection whose body was not here yet when it was refused, and a client that
    // does not hear of it may send its next request on it.
    server.prependListener('request', closeAfterEarlyRefusal);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async #publish(job: PublishJob, options: ServerOptions): Promise<PublishedArtifact> {
    this.jobs.push(job);
    const content = await readFile(job.uploadPath, 'utf8');
    await options.beforePublish?.(job, content);
    if (content.startsWith('broken')) throw new MayflyError('component_malformed', 'It is broken.');
    if (content.startsWith('crash')) throw new Error('/secret/path: tools fell over');
    const handler = job.handler ?? 'wasi:http/incoming-handler@0.2';
    return {
      artifactKey: `${job.digest}+${handler}`,
      steps: [{ name: 'check', ms: 0.25 }],
      manifest: {
        formatVersion: 1,
        pipelineVersion: 1,
        digest: job.digest,
        upload: 'component',
        handler,
        world: `${handler}.3`,
        exportKey: 'incomingHandler',
        eventHandlers: {},
        road: 'glue',
        roadReason: 'a test',
        planBytes: 0,
        imports: [],
        fuelModel: 'test',
        modules: [],
        sizes: { uploadBytes: job.uploadBytes, codeBytes: 10, glueBytes: 20 },
      },
    };
  }
}

/** For a store that keeps none. */
export function noArtifacts(): ArtifactCollection {
  return new ArtifactCollection({
    keys: async () => [],
    inUse: () => new Set(),
    remove: async () => {},
    report: () => {},
  });
}

export function functionPath(name: string): string {
  return `/v1/tenants/default/functions/${name}`;
}

/** The problem's members that tests look at, and that it is one. */
export async function problemOf(
  response: Response,
): Promise<Record<string, unknown> & { code: string; detail: string }> {
  if (response.headers.get('content-type') !== 'application/problem+json') {
    throw new Error(`not a problem: ${response.status} ${await response.text()}`);
  }
  const problem = (await response.json()) as Record<string, unknown> & { code: string; detail: string };
  if (problem['status'] !== response.status)
    throw new Error(`${problem['status']} is not ${response.status}`);
  return problem;
}

function acrossThreads(backend: ControlBackend): ControlBackend {
  const forward = async (
    method: keyof ControlBackend,
    request: unknown,
    onProgress?: (value: unknown) => void,
  ): Promise<unknown> => {
    try {
      const call = backend[method].bind(backend) as (...args: readonly unknown[]) => Promise<unknown>;
      const tell = onProgress && ((value: unknown) => onProgress(structuredClone(value)));
      return structuredClone(await call(structuredClone(request), tell));
    } catch (error) {
      throw fromErrorMessage(structuredClone(toErrorMessage(error)));
    }
  };
  const methods = CONTROL_METHODS.map((method) => [
    method,
    (request: unknown, onProgress?: (value: unknown) => void) => forward(method, request, onProgress),
  ]);
  return Object.fromEntries(methods) as unknown as ControlBackend;
}

/** Backups that take nothing: a registry in memory has no folder. */
/** A version of another tenant could not be metered again. */
const STAND_IN_REMETERING: RemeteringServicePorts['remetering'] = {
  status: {
    isWanted: true,
    waiting: 2,
    done: 1,
    failed: [
      {
        artifactKey: 'old',
        code: 'publish_timed_out',
        detail: 'Publishing took longer than 60000 ms.',
        atMs: 1_000,
        versions: [{ tenant: tenantNamed('acme'), name: functionNamed('slow'), version: 3, isLive: true }],
      },
    ],
  },
  retry: () => ({ isWanted: true, waiting: 3, done: 1, failed: [] }),
};

function standInBackups(registry: Registry, nowMs: () => number): BackupServicePorts['backups'] {
  const made = new Map<string, Backup>();
  return {
    async create(actor, onProgress) {
      const id = backupIdOf(nowMs());
      if (made.size > 0) throw new MayflyError('backup_running', 'One is enough for these tests.');
      onProgress?.({ step: 'queues' });
      onProgress?.({ step: 'queues', bytes: 1, totalBytes: 2 });
      onProgress?.({ step: 'queues', ms: 1 });
      const backup: Backup = {
        id,
        createdAtMs: nowMs(),
        bytes: 2,
        linkedBytes: 1,
        release: '0.1.0',
        queues: 'embedded',
      };
      made.set(id, backup);
      registry.note({ tenant: null, actor, action: 'backup.create', target: id }, nowMs());
      return backup;
    },
    list: async () => [...made.values()].reverse(),
    async remove(id, actor) {
      if (!made.delete(id)) throw new MayflyError('backup_not_found', `There is no backup ${id}.`);
      registry.note({ tenant: null, actor, action: 'backup.delete', target: id }, nowMs());
    },
  };
}
