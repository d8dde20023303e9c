import test from 'ava';
import { createQuotaTable, QuotaTable } from '../../host/scheduler/quota-table.ts';
import { Registry } from '../../host/store/registry.ts';
import { TenantAccounts } from '../../host/worker/tenant-accounts.ts';
import { ThreadLosses } from '../../host/worker/thread-losses.ts';
import { functionNamed, publicationOf, tenantNamed } from '../store/publications.ts';

const acme = tenantNamed('acme');
const hello = functionNamed('hello');

test('who is gone by the time that it is to blame is not quarantined, and the host goes on', (t) => {
  using registry = new Registry({ path: ':memory:' });
  registry.tenants.ensure(acme, {}, 1);
  registry.functions.publish(publicationOf(acme, hello, 'one'), { functionsPerTenant: 10 });
  using accounts = new TenantAccounts({
    table: new QuotaTable(createQuotaTable(1)),
    registry,
    now: () => 1,
    stoppedMonth: () => 0,
    report: () => {},
  });
  const reports: string[] = [];
  const losses = new ThreadLosses({
    accounts,
    registry,
    log: () => {},
    usage: () => {},
    now: () => 1,
    report: (message) => reports.push(message),
  });
  const filling = { tenant: acme, name: hello, version: 1 };
  losses.relieved([filling]);
  losses.relieved([filling]);
  registry.functions.remove(acme, hello, 1);
  // What it was running went on until now.
  losses.relieved([filling]);
  losses.processEnded(
    [1, 2, 3].map(() => ({ ...filling, invocationId: '01900000-0000-7000-8000-000000000001' as never })),
    'killed',
  );
  t.deepEqual(reports, []);
  registry.functions.publish(publicationOf(acme, hello, 'two'), { functionsPerTenant: 10 });
  t.is(registry.quarantines.find(acme, hello, 2), undefined);
  for (let i = 0; i < 3; i++) losses.relieved([{ ...filling, version: 2 }]);
  t.not(registry.quarantines.find(acme, hello, 2), undefined);
  t.regex(reports.pop()!, /version 2 is quarantined/);
  t.true(registry.quarantines.lift(acme, hello, 1));
  registry.quarantines.impose = () => {
    throw new Error('database or disk is full');
  };
  for (let i = 0; i < 3; i++) losses.relieved([{ ...filling, version: 2 }]);
  t.regex(reports.pop()!, /version 2 could not be quarantined/);
});
