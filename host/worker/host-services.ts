import type { ControlBackend } from '../control-plane/backend.ts';
import { MayflyError } from '../errors/errors.ts';
import type { ArtifactMessage } from '../instance/artifact.ts';
import { roadBytes } from '../model/artifact.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import { ArtifactCheck } from '../publish/artifact-check.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import type { Registry } from '../store/registry.ts';
import { ArtifactCache } from './artifact-cache.ts';
import { compileArtifact } from './compile-artifact.ts';
import type { IsolatedFunction } from './isolated-messages.ts';
import type { HostServices, ResolvedFunction } from './messages.ts';
import type { TenantAccounts } from './tenant-accounts.ts';

/** Code of compiled modules kept in the main thread; V8 shares what it compiled with all threads. */
const MODULE_BUDGET_BYTES = 512 * 1024 * 1024;

export interface HostServicesPorts {
  readonly control: ControlBackend;
  readonly registry: Registry;
  readonly artifacts: ArtifactStore;
  readonly accounts: TenantAccounts;
  /** Where the process of an isolated tenant listens, once it does. */
  socketOf(tenant: TenantName): Promise<string>;
  /** For the operator. */
  report(message: string, error?: unknown): void;
}

/** Everything the main thread answers: the control plane's backend, routes, and compiled artifacts. */
export function createHostServices({
  control,
  registry,
  artifacts,
  accounts,
  socketOf,
  report,
}: HostServicesPorts): HostServices {
  const check = new ArtifactCheck(artifacts, { tenantsOf: (key) => registry.functions.tenantsOf(key) });
  const unreadable = new Set<string>();
  /** Callers are not told what is wrong with a file of the host; the operator is, once for as long as it lasts. */
  const load = async (key: string): Promise<ArtifactMessage> => {
    try {
      const message = await compileArtifact(artifacts, check, key);
      unreadable.delete(key);
      return message;
    } catch (error) {
      if (error instanceof MayflyError && error.code === 'artifact_unavailable' && !unreadable.has(key)) {
        unreadable.add(key);
        report(`the artifact ${artifacts.folder(key)} could not be loaded`, error.cause);
      }
      throw error;
    }
  };
  const compiled = new ArtifactCache<ArtifactMessage>({
    load,
    sizeOf: (message) => message.manifest.sizes.codeBytes + roadBytes(message.manifest),
    budgetBytes: MODULE_BUDGET_BYTES,
  });
  return {
    ...control,
    async resolve({ tenant, name }: { tenant: TenantName; name: FunctionName }) {
      const found = registry.functions.live(tenant, name);
      if (found === undefined) return undefined;
      const quarantine = registry.quarantines.find(tenant, name, found.version);
      const owner = registry.tenants.require(tenant);
      // All of it is of one moment: what changes while it waits below is asked for anew.
      const isApart = owner.settings.isolation === 'process';
      const route: ResolvedFunction = {
        // Secrets of one that runs apart are for its own process.
        live: isApart ? found : withSecrets(found, registry.secrets.values(tenant, name)),
        tenant: owner,
        tenantColumn: accounts.tenantColumn(tenant),
        functionColumn: accounts.functionColumn(tenant, name),
        ...(quarantine === undefined ? {} : { quarantine }),
      };
      // A version that a power cut could undo runs nowhere: its number would be given again. Where the disk fails, what is there is served.
      await registry.durable(tenant).catch(() => {});
      // The count is the asker's.
      return isApart ? { ...route, process: { socketPath: await socketOf(tenant), count: 0 } } : route;
    },
    async tenant({ tenant }) {
      return registry.tenants.find(tenant);
    },
    async verifier({ id }) {
      return registry.keys.verifier(id);
    },
    async keyUsed({ id }) {
      registry.keys.used(id, Date.now());
    },
    async artifact({ key }) {
      return compiled.get(key);
    },
  };
}

/** A function as the process of its tenant knows it. */
export function isolatedFunction(
  { registry, accounts }: Pick<HostServicesPorts, 'registry' | 'accounts'>,
  tenant: TenantName,
  name: FunctionName,
): IsolatedFunction | undefined {
  const found = registry.functions.live(tenant, name);
  if (found === undefined) return undefined;
  const use = accounts.use(tenant);
  return {
    live: withSecrets(found, registry.secrets.values(tenant, name)),
    tenant: registry.tenants.require(tenant),
    outbound: {
      requestsPerSecond: use.outboundRequestsPerSecond.limit,
      bytesPerMonth: use.outboundBytesPerMonth.limit,
      bytesOfMonth: use.outboundBytesPerMonth.used ?? 0,
    },
  };
}

/** For whoever runs it, and nobody else: what is shown of a function comes from the registry. */
function withSecrets(live: LiveFunction, secrets: Readonly<Record<string, string>>): LiveFunction {
  const { configuration } = live;
  const environment = { ...configuration.environment, ...secrets };
  return { ...live, configuration: { ...configuration, environment } };
}
