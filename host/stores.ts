/**
 * What a host keeps in its data folder, opened and put in order: what an earlier process left half-done or sealed with another key
 * is seen to before anybody is served.
 */
import { join } from 'node:path';
import type { HostConfig } from './config.ts';
import { asTenantName } from './model/ids.ts';
import { Outage } from './outage.ts';
import { ArtifactCollection } from './store/artifact-collection.ts';
import { ArtifactStore } from './store/artifacts.ts';
import { LogStore } from './store/log-store.ts';
import { loadMasterKeys } from './store/master-keys.ts';
import { RecentFunctions } from './store/recent-functions.ts';
import { Registry } from './store/registry.ts';

/** What a host that is killed may have forgotten of what it was called for. */
const SAVE_RECENT_MS = 30_000;

/** There from the beginning, and cannot be deleted: the operator's own. */
export const DEFAULT_TENANT = asTenantName('default')!;

export interface Stores {
  readonly registry: Registry;
  readonly logs: LogStore;
  readonly artifacts: ArtifactStore;
  /** Of artifacts that no version refers to. */
  readonly collection: ArtifactCollection;
  /** Functions that were called last, saved now and then and at the end. */
  readonly recent: RecentFunctions;
}

/**
 * @param stack gets what has to be closed
 * @throws MasterKeyError, or the registry's own errors; their messages are for the operator
 */
export async function openStores(
  config: HostConfig,
  stack: AsyncDisposableStack,
  report: (message: string, error?: unknown) => void,
): Promise<Stores> {
  const { dataDir } = config;
  const registry = stack.use(
    new Registry({
      path: join(dataDir, 'registry.db'),
      ceilings: config.ceilings,
      masterKeys: await loadMasterKeys(config.masterKeys),
      quotas: { functions: config.functionsPerTenant },
    }),
  );
  const secrets = registry.secrets.rotate();
  if (secrets.lost > 0)
    report(
      `${secrets.lost} secrets were sealed with a key that is not given; functions that have them do not run`,
    );
  const signing = registry.events.signingSecrets.rotate();
  if (signing.lost > 0)
    report(`${signing.lost} signing secrets were sealed with a key that is not given; they open nothing`);
  // With a fine clock, until somebody says otherwise.
  registry.tenants.ensure(DEFAULT_TENANT, { clock: 'fine' }, Date.now());
  const logs = stack.use(new LogStore({ path: join(dataDir, 'logs.db'), report }));
  const artifacts = new ArtifactStore(dataDir);
  await artifacts.sweep();
  const collection = new ArtifactCollection({
    keys: () => artifacts.keys(),
    inUse: () => registry.functions.artifactKeysInUse(),
    remove: (key) => artifacts.remove(key),
    report,
  });
  stack.defer(() => collection.idle());
  await collection.collect();
  const recent = await RecentFunctions.open(join(dataDir, 'recent.json'));
  const saves = new Outage(
    {
      failing: 'the list of functions called last was not saved',
      working: 'the list of functions called last is saved again',
    },
    report,
  );
  const save = (): Promise<void> =>
    recent.save().then(
      () => saves.worked(),
      (error: unknown) => saves.failed(error),
    );
  stack.defer(save);
  const saving = setInterval(() => void save(), SAVE_RECENT_MS).unref();
  stack.defer(() => clearInterval(saving));
  return { registry, logs, artifacts, collection, recent };
}
