/**
 * The control plane's backend in the main thread: the registry, the logs and the publisher behind one
 * interface. It adds no state of its own; what must hold between two of them is said at the method.
 */
import { MayflyError } from '../errors/errors.ts';
import type { ArtifactManifest, HandlerKind, PublishStep } from '../model/artifact.ts';
import type { FunctionRecord, FunctionVersion } from '../model/function-version.ts';
import type { Digest, TenantName } from '../model/ids.ts';
import type { OnPublishProgress } from '../model/publish-progress.ts';
import type { ArtifactCollection } from '../store/artifact-collection.ts';
import type { FunctionPage, VersionPage } from '../store/function-table.ts';
import type { LogPage, LogStore, StoredLogRecord } from '../store/log-store.ts';
import type { Registry } from '../store/registry.ts';
import type {
  ControlBackend,
  FunctionBackend,
  FunctionDescription,
  PublishReply,
  PublishRequest,
} from './backend.ts';
import type { FunctionReference } from './references.ts';

/** What the publisher is told about an upload. */
export interface PublishJob {
  readonly uploadPath: string;
  readonly digest: Digest;
  readonly uploadBytes: number;
  readonly handler?: HandlerKind;
  /** The function's limit over all memories: a component that starts with more is refused. */
  readonly memoryBytes: number;
  /** Hears of each step as it begins and ends. */
  readonly onProgress?: OnPublishProgress | undefined;
}

/** An artifact that is in the store, whether this job made it or found it there. */
export interface PublishedArtifact {
  readonly artifactKey: string;
  readonly manifest: ArtifactManifest;
  readonly steps: readonly PublishStep[];
}

export interface ControlServicePorts {
  readonly registry: Registry;
  readonly logs: LogStore;
  readonly artifacts: ArtifactCollection;
  readonly publish: (job: PublishJob) => Promise<PublishedArtifact>;
  readonly functionsPerTenant: number;
  readonly now: () => number;
}

export class ControlService implements FunctionBackend {
  readonly #ports: ControlServicePorts;

  constructor(ports: ControlServicePorts) {
    this.#ports = ports;
    this.#forgetOrphanedLogs();
  }

  async hasTenant({ tenant }: { readonly tenant: TenantName }): Promise<boolean> {
    return this.#ports.registry.tenants.has(tenant);
  }

  async admitUpload({
    tenant,
    name,
    uploadBytes = 0,
  }: FunctionReference & { readonly uploadBytes?: number }): Promise<void> {
    const { registry, functionsPerTenant } = this.#ports;
    if (!registry.functions.find(tenant, name)) registry.functions.requireRoom(tenant, functionsPerTenant);
    // What publishing makes of it counts, too, once that is known.
    registry.quotas.requireStorage(tenant, uploadBytes);
  }

  /**
   * The registry is asked twice: before the work, to spare it, and in the transaction that makes the version
   * live, because other uploads of the tenant ran meanwhile. Of two uploads for one name, the one whose
   * publishing ends last is live.
   */
  async publish(request: PublishRequest, onProgress?: OnPublishProgress): Promise<PublishReply> {
    const generation = this.#ports.registry.audit.generationOf(request.tenant);
    await this.admitUpload(request);
    return this.#ports.artifacts.publishing(() => this.#publish(request, generation, onProgress));
  }

  /** @param generation of the tenant when it was asked: a later one of the name is somebody else */
  async #publish(
    request: PublishRequest,
    generation: number,
    onProgress: OnPublishProgress | undefined,
  ): Promise<PublishReply> {
    const { registry, publish, functionsPerTenant, now } = this.#ports;
    const { tenant, name, uploadPath, digest, uploadBytes, handler, actor } = request;
    const configuration =
      registry.functions.find(tenant, name)?.configuration ?? registry.functions.initialConfiguration();
    const { artifactKey, manifest, steps } = await publish({
      uploadPath,
      digest,
      uploadBytes,
      ...(handler === undefined ? {} : { handler }),
      memoryBytes: configuration.memoryBytes,
      onProgress,
    });
    if (registry.audit.generationOf(tenant) !== generation)
      throw new MayflyError('tenant_not_found', `The tenant ${tenant} was removed meanwhile.`);
    onProgress?.({ step: 'activate' });
    const sinceMs = performance.now();
    const reply = registry.functions.publish(
      {
        tenant,
        name,
        artifactKey,
        digest: manifest.digest,
        handler: manifest.handler,
        world: manifest.world,
        sizes: manifest.sizes,
        steps,
        nowMs: now(),
      },
      { functionsPerTenant },
      actor,
    );
    onProgress?.({ step: 'activate', ms: performance.now() - sinceMs });
    return reply;
  }

  async describe({ tenant, name }: FunctionReference): Promise<FunctionDescription> {
    return this.#describe(this.#require({ tenant, name }));
  }

  async list({
    tenant,
    ...page
  }: { readonly tenant: TenantName } & FunctionPage): Promise<FunctionDescription[]> {
    this.#ports.registry.tenants.require(tenant);
    return this.#ports.registry.functions.list(tenant, page).map((record) => this.#describe(record));
  }

  async versions(request: FunctionReference & VersionPage): Promise<FunctionVersion[]> {
    this.#require(request);
    return this.#ports.registry.functions.versions(request.tenant, request.name, request);
  }

  async setLive(request: Parameters<ControlBackend['setLive']>[0]): Promise<FunctionDescription> {
    this.#require(request);
    const { registry, now } = this.#ports;
    const { tenant, name, version, actor } = request;
    return this.#describe(registry.functions.setLive(tenant, name, version, now(), actor));
  }

  async configure(request: Parameters<ControlBackend['configure']>[0]): Promise<FunctionDescription> {
    this.#require(request);
    const { registry, now } = this.#ports;
    const { tenant, name, patch, actor } = request;
    return this.#describe(registry.functions.configure(tenant, name, patch, now(), actor));
  }

  async remove(request: Parameters<ControlBackend['remove']>[0]): Promise<void> {
    this.#require(request);
    const { registry, logs, artifacts, now } = this.#ports;
    registry.functions.remove(request.tenant, request.name, now(), request.actor);
    logs.remove(request.tenant, request.name);
    artifacts.collectSoon();
  }

  async logs(request: FunctionReference & LogPage): Promise<StoredLogRecord[]> {
    this.#require(request);
    return this.#ports.logs.tail(request.tenant, request.name, request);
  }

  #require({ tenant, name }: FunctionReference): FunctionRecord {
    this.#ports.registry.tenants.require(tenant);
    const record = this.#ports.registry.functions.find(tenant, name);
    if (!record) throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`);
    return record;
  }

  #describe(record: FunctionRecord): FunctionDescription {
    const live = this.#ports.registry.functions.version(record.tenant, record.name, record.liveVersion);
    if (!live) throw new Error(`registry invariant 1: ${record.tenant}/${record.name} has no live version`);
    const quarantine = this.#ports.registry.quarantines.find(record.tenant, record.name, live.version);
    return { record, live, ...(quarantine === undefined ? {} : { quarantine }) };
  }

  /** An invocation that outlived its function, or a crash between the two removals, leaves a log behind. */
  #forgetOrphanedLogs(): void {
    const { registry, logs } = this.#ports;
    for (const { tenant, name } of logs.functions()) {
      if (!registry.functions.find(tenant, name)) logs.remove(tenant, name);
    }
  }
}
