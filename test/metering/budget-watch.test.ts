import test from 'ava';
import { BudgetWatch } from '../../host/metering/budget-watch.ts';
import type { BilledUse } from '../../host/metering/ledger-messages.ts';
import { Registry } from '../../host/store/registry.ts';
import { functionNamed, tenantNamed } from '../store/publications.ts';

const acme = tenantNamed('acme');
const NOW_MS = Date.UTC(2026, 10, 15);
const USE: BilledUse = {
  name: functionNamed('hello'),
  version: 1,
  invocations: 10n,
  fuel: 0n,
  memoryTimeKiBMs: 0n,
  egressBytes: 0n,
};

/** Resolves when nothing is left to do at once. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('an alert that is delivered but not noted, since the disk is full, is told again with the same id', async (t) => {
  using registry = new Registry({ path: ':memory:' });
  registry.tenants.ensure(acme, {}, 1);
  const currency = { code: 'EUR', minorUnitDigits: 2 };
  registry.prices.add({ from: '2026-11', currency, prices: { requests: [{ price: '1' }] } }, NOW_MS);
  const ids: string[] = [];
  const reports: string[] = [];
  const watch = new BudgetWatch({
    budgets: registry.budgets,
    prices: registry.prices,
    generationOf: () => 1,
    billedUse: async () => [USE],
    stop: () => {},
    send: async ({ id }) => void ids.push(id),
    later: () => {},
    now: () => NOW_MS,
    report: (message) => reports.push(message),
  });
  const { budgets } = registry;
  const delivered = budgets.delivered.bind(budgets);
  budgets.delivered = () => {
    throw new Error('database or disk is full');
  };
  budgets.set(
    acme,
    { amount: '10', hardStop: false, thresholds: [100], webhook: 'https://hooks.example/' },
    1,
  );
  await settled();
  t.is(ids.length, 1);
  t.regex(reports[0]!, /was not noted as delivered/);
  budgets.delivered = delivered;
  await watch.check(acme);
  await settled();
  await watch.check(acme);
  await settled();
  t.deepEqual(ids, [ids[0], ids[0]] as string[]);
  t.is(reports.length, 1);
});
