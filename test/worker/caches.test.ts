import test from 'ava';
import type { FunctionName, TenantName } from '../../host/model/ids.ts';
import { ArtifactCache } from '../../host/worker/artifact-cache.ts';
import { ChangeCounters } from '../../host/worker/change-counters.ts';
import type { ResolvedFunction } from '../../host/worker/messages.ts';
import { RouteCache, routeKey } from '../../host/worker/route-cache.ts';

const tenant = 'default' as TenantName;
const name = 'hello' as FunctionName;
const version = (n: number): ResolvedFunction =>
  ({ live: { version: n }, tenantColumn: 1, functionColumn: 0 }) as ResolvedFunction;

test('a route is asked for once and then served from memory until its function changes', async (t) => {
  const counters = new ChangeCounters();
  let asked = 0;
  const cache = new RouteCache(new ChangeCounters(counters.buffer), async () => version(++asked));
  t.is((await cache.resolve(tenant, name))?.live.version, 1);
  t.false(cache.resolve(tenant, name) instanceof Promise);
  counters.bump(routeKey(tenant, name));
  t.is((await cache.resolve(tenant, name))?.live.version, 2);
  t.is(asked, 2);
});

test('a change that happens while a route is asked for is not missed', async (t) => {
  const counters = new ChangeCounters();
  let asked = 0;
  const answers = [Promise.withResolvers<ResolvedFunction>(), Promise.withResolvers<ResolvedFunction>()];
  const cache = new RouteCache(counters, () => answers[asked++]!.promise);
  const first = cache.resolve(tenant, name);
  counters.bump(routeKey(tenant, name));
  answers[0]!.resolve(version(1));
  answers[1]!.resolve(version(2));
  t.is((await first)?.live.version, 1);
  t.is((await cache.resolve(tenant, name))?.live.version, 2);
});

test('absence is never cached', async (t) => {
  let route: ResolvedFunction | undefined;
  const cache = new RouteCache(new ChangeCounters(), async () => route);
  t.is(await cache.resolve(tenant, name), undefined);
  route = version(1);
  t.is((await cache.resolve(tenant, name))?.live.version, 1);
});

test('one load serves everybody who asks meanwhile, and a failed one is tried again', async (t) => {
  let loads = 0;
  let broken = true;
  const cache = new ArtifactCache<string>({
    load: async (key) => {
      loads++;
      if (broken) throw new Error('disk');
      return key;
    },
    sizeOf: () => 1,
    budgetBytes: 10,
  });
  await t.throwsAsync(Promise.all([cache.get('a'), cache.get('a')]) as Promise<unknown>);
  t.is(loads, 1);
  broken = false;
  t.is(await cache.get('a'), 'a');
  t.is(cache.get('a'), 'a');
});

test('the least recently used artifacts go first when the budget is spent', async (t) => {
  const loads: string[] = [];
  const cache = new ArtifactCache<string>({
    load: async (key) => {
      loads.push(key);
      return key;
    },
    sizeOf: () => 4,
    budgetBytes: 10,
  });
  await cache.get('a');
  await cache.get('b');
  cache.get('a');
  await cache.get('c');
  t.is(cache.get('a'), 'a');
  t.true(cache.get('b') instanceof Promise, 'b was used longest ago');
  t.deepEqual(loads.slice(0, 3), ['a', 'b', 'c']);
});
