/** What of the registry's changes is on the disk, and who waits for it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { ControlBackendPorts } from '../../host/control-plane/control-backend.ts';
import { createControlBackend } from '../../host/control-plane/control-backend.ts';
import { THE_HOST } from '../../host/model/actor.ts';
import { LogStore } from '../../host/store/log-store.ts';
import { Registry } from '../../host/store/registry.ts';
import { createHostServices } from '../../host/worker/host-services.ts';
import { noArtifacts } from '../control-plane/control-plane-server.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

const acme = tenantNamed('acme');

/** A disk that syncs when it is told to. */
class HeldDisk {
  readonly waiting: PromiseWithResolvers<void>[] = [];

  readonly sync = (): Promise<void> => {
    const held = Promise.withResolvers<void>();
    this.waiting.push(held);
    return held.promise;
  };
}

function start(t: ExecutionContext) {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-registry-'));
  const disk = new HeldDisk();
  const registry = new Registry({ path: join(folder, 'registry.db'), sync: disk.sync });
  const logs = new LogStore({ path: ':memory:' });
  t.teardown(() => {
    registry.close();
    logs.close();
    rmSync(folder, { recursive: true });
  });
  registry.tenants.ensure(acme);
  const ports = {
    registry,
    logs,
    artifacts: noArtifacts(),
    functionsPerTenant: 9,
    now: () => 1,
    publish: async ({ digest }: { digest: string }) => {
      const { artifactKey, ...manifest } = publicationOf(acme, functionNamed('any'), digest);
      return { artifactKey, manifest, steps: [] };
    },
  } as unknown as ControlBackendPorts;
  const control = createControlBackend(ports);
  const accounts = { tenantColumn: () => 1, functionColumn: () => 1 };
  const services = createHostServices({ control, registry, accounts } as never);
  const publish = (name: string) =>
    control.publish({
      tenant: acme,
      name: functionNamed(name),
      uploadPath: '',
      digest: publicationOf(acme, functionNamed(name), 'x').digest,
      uploadBytes: 1,
      actor: THE_HOST,
    });
  return { registry, control, services, publish, disk };
}

/** Until everything has happened that waits for nothing outside. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Names of those that have settled. */
function settledOf(promises: Readonly<Record<string, Promise<unknown>>>): Set<string> {
  const settled = new Set<string>();
  for (const [name, promise] of Object.entries(promises)) {
    const note = (): void => void settled.add(name);
    promise.then(note, note);
  }
  return settled;
}

test('who publishes, and who reads or runs it, hears of it when it is on the disk; all who wait share a sync', async (t) => {
  const { control, services, publish, disk } = start(t);
  const first = publish('first');
  await turn();
  const second = publish('second');
  const third = publish('third');
  await turn();
  const read = control.describe({ tenant: acme, name: functionNamed('first') });
  const run = services.resolve({ tenant: acme, name: functionNamed('first') });
  const settled = settledOf({ first, second, third, read, run });
  await turn();
  t.deepEqual([...settled], []);
  t.is(disk.waiting.length, 1);

  disk.waiting[0]!.resolve();
  await first;
  await turn();
  // Who reads waits for all that was changed before: the second sync.
  t.deepEqual([...settled], ['first']);
  t.is(disk.waiting.length, 2);
  disk.waiting[1]!.resolve();
  t.is((await run)?.live.version, 1);
  await Promise.all([second, third, read]);
  t.is(disk.waiting.length, 2);
  // Nothing waits where nothing was changed.
  t.is((await control.list({ tenant: acme, limit: 9 })).length, 3);
});

test('who runs a function does not wait for what another tenant has changed', async (t) => {
  const { registry, services, publish, disk } = start(t);
  const mine = publish('mine');
  await turn();
  disk.waiting[0]!.resolve();
  await mine;
  const other = tenantNamed('other');
  registry.tenants.ensure(other);
  registry.functions.publish(publicationOf(other, functionNamed('theirs'), 'y'), { functionsPerTenant: 9 });
  const theirs = services.resolve({ tenant: other, name: functionNamed('theirs') });
  const settled = settledOf({ theirs });
  t.is((await services.resolve({ tenant: acme, name: functionNamed('mine') }))?.live.version, 1);
  await turn();
  t.deepEqual([[...settled], disk.waiting.length], [[], 2]);
  disk.waiting[1]!.resolve();
  t.is((await theirs)?.live.version, 1);
});

test('where the disk fails, who changed something is not told that it worked, and what is there still runs', async (t) => {
  const { services, publish, disk } = start(t);
  const first = publish('first');
  await turn();
  // Would have been in the next sync.
  const second = publish('second');
  await turn();
  disk.waiting[0]!.reject(new Error('EIO'));
  for (const refused of [first, second, publish('third')])
    await t.throwsAsync(refused, { message: 'the log could not be synced' });
  t.is(disk.waiting.length, 1, 'the kernel would call the next one a success');
  t.is((await services.resolve({ tenant: acme, name: functionNamed('first') }))?.live.version, 1);
});

test('a registry that is closed lets a sync end', async (t) => {
  const { registry, disk } = start(t);
  registry.functions.publish(publicationOf(acme, functionNamed('first'), 'x'), { functionsPerTenant: 9 });
  const durable = registry.durable();
  registry.close();
  disk.waiting[0]!.resolve();
  await t.notThrowsAsync(durable);
});
