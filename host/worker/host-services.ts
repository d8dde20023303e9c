import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlBackend } from '../control-plane/backend.ts';
import { MayflyError } from '../errors.ts';
import type { ArtifactMessage } from '../instance/artifact.ts';
import { ARTIFACT_FILES, type ArtifactManifest, roadBytes } from '../model/artifact.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { LinkPlan } from '../model/link-plan.ts';
import { ADMISSION_FUNCTIONS } from '../scheduler/admission.ts';
import type { ArtifactStore } from '../store/artifacts.ts';
import type { Registry } from '../store/registry.ts';
import { ArtifactCache } from './artifact-cache.ts';
import type { HostServices } from './messages.ts';
import { routeKey } from './route-cache.ts';

/** Code of compiled modules kept in the main thread; V8 shares what it compiled with all threads. */
const MODULE_BUDGET_BYTES = 512 * 1024 * 1024;

export interface HostServicesPorts {
  readonly control: ControlBackend;
  readonly registry: Registry;
  readonly artifacts: ArtifactStore;
}

/** Everything the main thread answers: the control plane's backend, routes, and compiled artifacts. */
export function createHostServices({ control, registry, artifacts }: HostServicesPorts): HostServices {
  const columns = new AdmissionColumns();
  registry.onChange((tenant, name) => {
    if (registry.live(tenant, name) === undefined) columns.free(routeKey(tenant, name));
  });
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
      return {
        live: withSecrets(found, registry.secrets.values(tenant, name)),
        tenant: registry.tenants.require(tenant),
        admissionIndex: columns.of(routeKey(tenant, name)),
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

/** Which column of the admission table counts which function. */
class AdmissionColumns {
  readonly #columns = new Map<string, number>();
  readonly #free: number[] = [];
  #next = 0;

  of(key: string): number {
    let column = this.#columns.get(key);
    if (column === undefined) {
      column = this.#free.pop() ?? this.#next++;
      if (column >= ADMISSION_FUNCTIONS) {
        throw new MayflyError(
          'internal_error',
          'More functions are in use than the admission table has columns.',
        );
      }
      this.#columns.set(key, column);
    }
    return column;
  }

  /** A function that was removed; its last invocations may still count down in a column that another takes over, which only errs by them for as long as they run. */
  free(key: string): void {
    const column = this.#columns.get(key);
    if (column === undefined) return;
    this.#columns.delete(key);
    this.#free.push(column);
  }
}
