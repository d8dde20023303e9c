import test from 'ava';
import { ControlService, type PublishedArtifact } from '../../host/control-plane/service.ts';
import { THE_HOST } from '../../host/model/actor.ts';
import type { InvocationId } from '../../host/model/ids.ts';
import { LogStore } from '../../host/store/log-store.ts';
import { Registry } from '../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from '../store/publications.ts';
import { noArtifacts } from './control-plane-server.ts';

const acme = tenantNamed('acme');

test('logs of functions that are gone are forgotten when the host starts', async (t) => {
  using registry = new Registry({ path: ':memory:' });
  using logs = new LogStore({ path: ':memory:' });
  registry.tenants.ensure(acme);
  registry.functions.publish(publicationOf(acme, functionNamed('kept'), 'x'), { functionsPerTenant: 9 });
  const record = {
    tenant: acme,
    version: 1,
    invocationId: 'i' as InvocationId,
    timestampMs: 1,
    message: 'm',
  } as const;
  for (const name of ['kept', 'gone']) {
    logs.append([{ ...record, name: functionNamed(name), level: 'info', source: 'stdout' }]);
  }
  const publish = () => Promise.reject(new Error('not called'));
  const service = new ControlService({
    registry,
    logs,
    artifacts: noArtifacts(),
    publish,
    functionsPerTenant: 9,
    now: () => 1,
  });
  t.deepEqual(logs.functions(), [{ tenant: acme, name: functionNamed('kept') }]);
  t.is((await service.logs({ tenant: acme, name: functionNamed('kept'), limit: 9 })).length, 1);
});

test('what is published for a tenant that is removed meanwhile is not the next owner’s of the name', async (t) => {
  using registry = new Registry({ path: ':memory:' });
  using logs = new LogStore({ path: ':memory:' });
  registry.tenants.ensure(acme);
  const { artifactKey, digest, handler, world, sizes, steps } = publicationOf(
    acme,
    functionNamed('hello'),
    'x',
  );
  const manifest = { digest, handler, world, sizes } as PublishedArtifact['manifest'];
  let isRemoved = true;
  const service = new ControlService({
    registry,
    logs,
    artifacts: noArtifacts(),
    publish: async () => {
      if (isRemoved) {
        registry.removeTenant(acme, { withFunctions: true, nowMs: 1 });
        registry.tenants.ensure(acme);
      }
      return { artifactKey, manifest, steps };
    },
    functionsPerTenant: 9,
    now: () => 1,
  });
  const request = {
    tenant: acme,
    name: functionNamed('hello'),
    uploadPath: '/nowhere',
    digest,
    uploadBytes: 1,
    actor: THE_HOST,
  };
  await t.throwsAsync(service.publish(request), { code: 'tenant_not_found' });
  t.deepEqual(registry.functions.names(acme), []);
  isRemoved = false;
  t.true((await service.publish(request)).created);
});
