import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import { FUNCTION_LIMITS } from '../../host/limits/limits.ts';
import { defaultCeilings } from '../../host/store/ceilings.ts';
import { Registry, type RegistryOptions } from '../../host/store/registry.ts';
import { functionNamed, publicationOf, tenantNamed } from './publications.ts';

const acme = tenantNamed('acme');
const other = tenantNamed('other');
const hello = functionNamed('hello');
const roomy = { functionsPerTenant: 10 };

function open(options: Partial<RegistryOptions> = {}): Registry {
  const registry = new Registry({ path: ':memory:', ...options });
  registry.tenants.ensure(acme, {}, 1);
  registry.tenants.ensure(other, {}, 1);
  return registry;
}

function codeOf(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    return error instanceof MayflyError ? error.code : String(error);
  }
}

test('a first publish creates the function with version 1 live and default settings', (t) => {
  using registry = open();
  const { version, created } = registry.functions.publish(publicationOf(acme, hello, 'one', 5), roomy);
  t.true(created);
  t.is(version.version, 1);
  const record = registry.functions.find(acme, hello);
  t.is(record?.liveVersion, 1);
  t.is(record?.createdAtMs, 5);
  t.is(record?.configuration.fuel, FUNCTION_LIMITS.fuel.default);
  t.deepEqual(registry.functions.versions(acme, hello), [version]);
  t.deepEqual(version.steps, [{ name: 'check', ms: 1.5 }]);
});

test('the same artifact again is the same version and becomes live again', (t) => {
  using registry = open();
  const first = registry.functions.publish(publicationOf(acme, hello, 'one', 1), roomy);
  registry.functions.publish(publicationOf(acme, hello, 'two', 2), roomy);
  const again = registry.functions.publish(publicationOf(acme, hello, 'one', 3), roomy);
  t.false(again.created);
  t.deepEqual(again.version, first.version);
  t.is(registry.functions.live(acme, hello)?.version, 1);
  t.is(registry.functions.versions(acme, hello).length, 2);
});

test('a version number is not given again after its function was removed', (t) => {
  using registry = open();
  registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
  registry.functions.publish(publicationOf(acme, hello, 'two'), roomy);
  registry.functions.remove(acme, hello);
  t.is(registry.functions.find(acme, hello), undefined);
  t.deepEqual(registry.functions.versions(acme, hello), []);
  t.is(registry.functions.live(acme, hello), undefined);
  t.is(registry.functions.publish(publicationOf(acme, hello, 'one'), roomy).version.version, 3);
});

test('an older version is made live, and its number has to exist', (t) => {
  using registry = open();
  registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
  registry.functions.publish(publicationOf(acme, hello, 'two'), roomy);
  t.is(registry.functions.setLive(acme, hello, 1, 9).liveVersion, 1);
  t.is(registry.functions.live(acme, hello)?.artifactKey, publicationOf(acme, hello, 'one').artifactKey);
  t.is(
    codeOf(() => registry.functions.setLive(acme, hello, 3, 9)),
    'version_not_found',
  );
  t.is(
    codeOf(() => registry.functions.setLive(acme, functionNamed('nope'), 1, 9)),
    'function_not_found',
  );
  t.is(registry.functions.find(acme, hello)?.liveVersion, 1);
});

test('settings belong to the function: they outlive versions and go with the function', (t) => {
  using registry = open();
  registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
  registry.functions.configure(acme, hello, { environment: { A: '1' }, fuel: 5_000 }, 2);
  registry.functions.publish(publicationOf(acme, hello, 'two'), roomy);
  registry.functions.configure(acme, hello, { logLevel: 'off' }, 3);
  const settings = registry.functions.live(acme, hello)?.configuration;
  t.deepEqual(settings?.environment, { A: '1' });
  t.is(settings?.fuel, 5_000);
  t.is(settings?.logLevel, 'off');
  registry.functions.remove(acme, hello);
  registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
  t.is(registry.functions.find(acme, hello)?.configuration.fuel, FUNCTION_LIMITS.fuel.default);
});

test('a setting above its ceiling is refused whole, naming the setting and the range', (t) => {
  using registry = open({ ceilings: { ...defaultCeilings(), timeoutMs: 20_000 } });
  registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
  const error = t.throws(
    () => registry.functions.configure(acme, hello, { fuel: 5_000, timeoutMs: 20_001 }, 2),
    {
      instanceOf: MayflyError,
    },
  );
  t.is(error?.code, 'limit_above_ceiling');
  t.is(error?.field, 'timeoutMs');
  t.is(error?.message, 'timeoutMs may be from 1 to 20000 ms.');
  t.is(registry.functions.find(acme, hello)?.configuration.fuel, FUNCTION_LIMITS.fuel.default);
  t.is(registry.functions.configure(acme, hello, { timeoutMs: 20_000 }, 2).configuration.timeoutMs, 20_000);
});

test('an operator who lowers a ceiling lowers what functions have, defaults included', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-registry-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  {
    using registry = open({ path });
    registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
    registry.functions.configure(acme, hello, { concurrency: 900 }, 2);
  }
  using registry = open({ path, ceilings: { ...defaultCeilings(), concurrency: 50, timeoutMs: 1_000 } });
  t.is(registry.functions.live(acme, hello)?.configuration.concurrency, 50);
  t.is(registry.functions.find(acme, hello)?.configuration.timeoutMs, 1_000);
  t.is(registry.functions.initialConfiguration().timeoutMs, 1_000);
});

test('a tenant has as many functions as it may, and new versions are not new functions', (t) => {
  using registry = open();
  const one = { functionsPerTenant: 1 };
  registry.functions.publish(publicationOf(acme, hello, 'one'), one);
  registry.functions.publish(publicationOf(acme, hello, 'two'), one);
  t.is(
    codeOf(() => registry.functions.publish(publicationOf(acme, functionNamed('second'), 'x'), one)),
    'functions_limit_reached',
  );
  t.is(
    codeOf(() => registry.functions.publish(publicationOf(other, hello, 'x'), one)),
    undefined,
  );
  registry.functions.remove(acme, hello);
  t.is(
    codeOf(() => registry.functions.publish(publicationOf(acme, functionNamed('second'), 'x'), one)),
    undefined,
  );
});

test('a refused publish leaves nothing behind', (t) => {
  using registry = open();
  t.is(
    codeOf(() => registry.functions.publish(publicationOf(tenantNamed('nobody'), hello, 'x'), roomy)),
    'tenant_not_found',
  );
  t.is(
    codeOf(() => registry.functions.publish(publicationOf(acme, hello, 'x'), { functionsPerTenant: 0 })),
    'functions_limit_reached',
  );
  t.deepEqual(registry.functions.list(acme), []);
  t.is(registry.functions.artifactKeysInUse().size, 0);
  t.is(registry.functions.publish(publicationOf(acme, hello, 'x'), roomy).version.version, 1);
});

test('tenants do not see each other, and functions are listed by name', (t) => {
  using registry = open();
  for (const name of ['b', 'a', 'c'])
    registry.functions.publish(publicationOf(acme, functionNamed(name), name), roomy);
  t.deepEqual(
    registry.functions.list(acme).map((record) => record.name as string),
    ['a', 'b', 'c'],
  );
  t.deepEqual(registry.functions.list(other), []);
  t.is(registry.functions.live(other, functionNamed('a')), undefined);
});

test('versions are paged from the newest down', (t) => {
  using registry = open();
  for (const content of ['1', '2', '3', '4', '5'])
    registry.functions.publish(publicationOf(acme, hello, content), roomy);
  const numbers = (page: { limit: number; before?: number }) =>
    registry.functions.versions(acme, hello, page).map((version) => version.version);
  t.deepEqual(numbers({ limit: 2 }), [5, 4]);
  t.deepEqual(numbers({ limit: 2, before: 4 }), [3, 2]);
  t.deepEqual(numbers({ limit: 9, before: 2 }), [1]);
});

test('an artifact is in use while any version of any function names it', (t) => {
  using registry = open();
  registry.functions.publish(publicationOf(acme, hello, 'shared'), roomy);
  registry.functions.publish(publicationOf(other, hello, 'shared'), roomy);
  registry.functions.publish(publicationOf(acme, hello, 'own'), roomy);
  const shared = publicationOf(acme, hello, 'shared').artifactKey;
  t.is(registry.functions.artifactKeysInUse().size, 2);
  t.deepEqual(registry.functions.tenantsOf(shared).sort(), [acme, other].sort());
  registry.functions.remove(acme, hello);
  t.deepEqual([...registry.functions.artifactKeysInUse()], [shared]);
  t.deepEqual(registry.functions.tenantsOf(shared), [other]);
});

test('listeners hear of each change before the method returns, and of nothing that failed', (t) => {
  using registry = open();
  const seen: string[] = [];
  const stop = registry.functions.onChange((tenant, name) =>
    seen.push(`${tenant}/${name} v${registry.functions.live(tenant, name)?.version}`),
  );
  registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
  t.deepEqual(seen, ['acme/hello v1']);
  registry.functions.publish(publicationOf(acme, hello, 'two'), roomy);
  registry.functions.setLive(acme, hello, 1, 1);
  registry.functions.configure(acme, hello, { fuel: 2_000 }, 1);
  codeOf(() => registry.functions.setLive(acme, hello, 7, 1));
  codeOf(() => registry.functions.configure(acme, hello, { fuel: Number.MAX_SAFE_INTEGER }, 1));
  codeOf(() => registry.functions.remove(acme, functionNamed('nope')));
  registry.functions.remove(acme, hello);
  t.deepEqual(seen.slice(1), ['acme/hello v2', 'acme/hello v1', 'acme/hello v1', 'acme/hello vundefined']);
  stop();
  registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
  t.is(seen.length, 5);
});

test('everything is there after closing and opening again', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-registry-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'registry.db');
  const snapshot = (registry: Registry) => ({
    list: registry.functions.list(acme),
    versions: registry.functions.versions(acme, hello),
    live: registry.functions.live(acme, hello),
  });
  let before: ReturnType<typeof snapshot>;
  {
    using registry = open({ path });
    registry.functions.publish(publicationOf(acme, hello, 'one'), roomy);
    registry.functions.publish(publicationOf(acme, hello, 'two'), roomy);
    registry.functions.configure(acme, hello, { allowedHosts: ['example.com'] }, 3);
    before = snapshot(registry);
  }
  using registry = open({ path });
  t.deepEqual(snapshot(registry), before);
});

test('a later tenant of a name has another generation, so that nothing keyed by versions is mistaken', (t) => {
  using registry = new Registry({ path: ':memory:' });
  const acme = tenantNamed('acme');
  const name = functionNamed('hello');
  const live = () => {
    registry.tenants.ensure(acme, {}, 1);
    registry.functions.publish(publicationOf(acme, name, 'one'), { functionsPerTenant: 9 });
    return registry.functions.live(acme, name);
  };
  const first = live();
  t.is(live()?.generation, first?.generation);
  registry.removeTenant(acme, { withFunctions: true, nowMs: 2 });
  const second = live();
  t.is(second?.version, first?.version);
  t.not(second?.generation, first?.generation);
});
