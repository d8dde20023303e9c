import test from 'ava';
import type { TenantName } from '../../host/model/ids.ts';
import type { Tenant } from '../../host/model/tenant.ts';
import { ChangeCounters, tenantKey } from '../../host/worker/change-counters.ts';
import { TenantWeights } from '../../host/worker/tenant-weights.ts';

const acme = 'acme' as TenantName;
const weighing = (weight: number): Tenant => ({ name: acme, settings: { weight } }) as Tenant;

test('a share is asked for once, is 1 until it is known, and follows the counter', async (t) => {
  const counters = new ChangeCounters();
  let weight = 4;
  let asked = 0;
  const weights = new TenantWeights(new ChangeCounters(counters.buffer), async () => {
    asked++;
    return weighing(weight);
  });
  t.is(weights.of(acme), 1);
  t.is(weights.of(acme), 1);
  await Promise.resolve();
  t.is(weights.of(acme), 4);
  weight = 9;
  t.is(weights.of(acme), 4, 'nobody said that it changed');
  counters.bump(tenantKey(acme));
  t.is(weights.of(acme), 4, 'the old one while the new one is asked for');
  await Promise.resolve();
  t.is(weights.of(acme), 9);
  t.is(asked, 2);
});

test('an answer that a change overtook is asked for again', async (t) => {
  const counters = new ChangeCounters();
  const answers = [Promise.withResolvers<Tenant>(), Promise.withResolvers<Tenant>()];
  let asked = 0;
  const weights = new TenantWeights(counters, () => answers[asked++]!.promise);
  weights.of(acme);
  counters.bump(tenantKey(acme));
  answers[0]!.resolve(weighing(4));
  await answers[0]!.promise;
  weights.of(acme);
  answers[1]!.resolve(weighing(9));
  await answers[1]!.promise;
  t.is(weights.of(acme), 9);
});
