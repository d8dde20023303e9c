import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlBackend } from '../control-plane/backend.ts';
import { MayflyError } from '../errors.ts';
import type { ArtifactMessage } from '../instance/artifact.ts';
import { ARTIFACT_FILES, type ArtifactManifest, roadBytes } from '../model/artifact.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { LinkPlan } from '../model/link-plan.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import type { Registry } from '../store/registry.ts';
import { ArtifactCache } from './artifact-cache.ts';
import type { HostServices } from './messages.ts';
import type { TenantAccounts } from './tenant-accounts.ts';

/** Code of compiled modules kept in the main thread; V8 shares what it compiled with all threads. */
const MODULE_BUDGET_BYTES = 512 * 1024 * 1024;

export interface HostServicesPorts {
  readonly control: ControlBackend;
  readonly registry: Registry;
  readonly artifacts: ArtifactStore;
  readonly accounts: TenantAccounts;
}

/** Everything the main thread answers: the control plane's backend, routes, and compiled artifacts. */
export function createHostServices({
  control,
  registry,
  artifacts,
  accounts,
}: HostServicesPorts): HostServices {
  const compiled = new ArtifactCache<ArtifactMessage>({
    load: (key) => compileArtifact(artifacts, key),
    sizeOf: (message) => message.manifest.sizes.codeBytes + roadBytes(message.manifest),
    budgetBytes: MODULE_BUDGET_BYTES,
  });
  return {
    ...control,
    async resolve({ tenant, name }: { tenant: TenantName; name: FunctionName }) {
      const found = registry.live(tenant, name);
      if (found === undefined) return undefined;
      const quarantine = registry.quarantines.find(tenant, name, found.version);
      return {
        live: withSecrets(found, registry.secrets.values(tenant, name)),
        tenant: registry.tenants.require(tenant),
        tenantColumn: accounts.tenantColumn(tenant),
        functionColumn: accounts.functionColumn(tenant, name),
        ...(quarantine === undefined ? {} : { quarantine }),
      };
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

/** For the thread that runs it, and nobody else: what is shown of a function comes from the registry. */
function withSecrets(live: LiveFunction, secrets: Readonly<Record<string, string>>): LiveFunction {
  const { configuration } = live;
  const environment = { ...configuration.environment, ...secrets };
  return { ...live, configuration: { ...configuration, environment } };
}

async function compileArtifact(artifacts: ArtifactStore, key: string): Promise<ArtifactMessage> {
  try {
    const folder = artifacts.folder(key);
    const manifest: ArtifactManifest = await artifacts.readManifest(key);
    const isLinked = manifest.road === 'linked';
    const road = await readFile(join(folder, isLinked ? ARTIFACT_FILES.plan : ARTIFACT_FILES.glue), 'utf8');
    const modules = await Promise.all(
      manifest.modules.map(async ({ name }) => {
        const bytes = await readFile(join(folder, name));
        return [name, await WebAssembly.compile(bytes)] as const;
      }),
    );
    return {
      key,
      manifest,
      modules,
      plan: isLinked ? (JSON.parse(road) as LinkPlan) : null,
      glue: isLinked ? null : road,
    };
  } catch (error) {
    throw new MayflyError('artifact_unavailable', `Artifact ${key.slice(0, 12)} could not be loaded.`, {
      cause: error,
    });
  }
}
