import type { DatabaseSync } from 'node:sqlite';
import type { TenantName } from '../model/ids.ts';
import { startOfMonthMs } from '../model/tenant-quotas.ts';
import { latencyHistogram } from './latency-histogram.ts';
import type { Ledger } from './ledger.ts';
import type { BilledUse, LedgerMonth, LedgerService, LedgerTenant } from './ledger-messages.ts';
import { type CheckedMonth, checkMonth, rollupSums } from './usage-check.ts';
import { recordPage, rollupPage } from './usage-pages.ts';
import { LEVEL_NUMBERS } from './usage-schema.ts';

/** What is asked of a ledger, answered at once. */
export function createLedgerService({ database }: Ledger): LedgerService {
  return {
    records: ({ range, limit, after }) => recordPage(database, range, limit, after),
    rollups: ({ level, range, limit, after }) => rollupPage(database, level, range, limit, after),
    billedUse: (month) => billedUse(rollupSums(database, 'month', monthRange(month))),
    tenantsOf: (month) => tenantsOf(database, month),
    check: (month) => checkMonth(database, monthRange(month)),
    latencies: (range) => latencyHistogram(database, range),
  };
}

function tenantsOf(database: DatabaseSync, month: number): LedgerTenant[] {
  return database
    .prepare(
      `SELECT DISTINCT tenant, generation FROM rollups JOIN subjects ON subjects.id = rollups.subject
       WHERE level = ? AND start_ms = ? ORDER BY tenant, generation`,
    )
    .all(LEVEL_NUMBERS.month, startOfMonthMs(month))
    .map((row) => ({ tenant: row['tenant'] as TenantName, generation: Number(row['generation']) }));
}

/** By name and version. */
function billedUse(rows: ReturnType<typeof rollupSums>): BilledUse[] {
  return [...rows]
    .filter(([key]) => key.endsWith(' true'))
    .map(([key, { invocations, fuel, memoryTimeKiBMs, egressBytes }]) => {
      const [name = '', version] = key.split(' ');
      return { name, version: Number(version), invocations, fuel, memoryTimeKiBMs, egressBytes };
    })
    .sort((a, b) => (a.name === b.name ? a.version - b.version : a.name < b.name ? -1 : 1));
}

function monthRange({ tenant, generation, month }: LedgerMonth): CheckedMonth {
  return { tenant, generation, fromMs: startOfMonthMs(month), toMs: startOfMonthMs(month + 1) };
}
