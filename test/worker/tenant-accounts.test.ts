import test from 'ava';
import { monthOf } from '../../host/model/tenant-quotas.ts';
import { createQuotaTable, QuotaTable } from '../../host/scheduler/quota-table.ts';
import { Registry } from '../../host/store/registry.ts';
import { TenantAccounts } from '../../host/worker/tenant-accounts.ts';
import { tenantNamed } from '../store/publications.ts';

const acme = tenantNamed('acme');
const NOW_MS = Date.UTC(2026, 10, 15);

test('what could not be written of a month is written later, and the host goes on', (t) => {
  using registry = new Registry({ path: ':memory:' });
  registry.tenants.ensure(acme, {}, 1);
  const reports: string[] = [];
  using accounts = new TenantAccounts({
    table: new QuotaTable(createQuotaTable(1)),
    registry,
    now: () => NOW_MS,
    stoppedMonth: () => 0,
    report: (message) => reports.push(message),
  });
  accounts.tenantColumn(acme);
  accounts.spend(acme, 7, 11);
  const { quotas } = registry;
  const saveMonths = quotas.saveMonths.bind(quotas);
  quotas.saveMonths = () => {
    throw new Error('database or disk is full');
  };
  accounts.flush();
  accounts.flush();
  t.deepEqual(reports, ['what tenants have used this month could not be written']);
  quotas.saveMonths = saveMonths;
  accounts.flush();
  t.deepEqual(reports.slice(1), [
    'what tenants have used this month is written again after 0 s; none was lost',
  ]);
  t.like(quotas.month(acme, monthOf(NOW_MS)), { fuel: 7, outboundBytes: 11 });
});
