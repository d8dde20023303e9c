/** A quota table that lets everybody in, for whoever serves functions without a registry. */
import {
  createQuotaTable,
  HOST,
  LIMIT,
  QUOTA_NAMES,
  QuotaTable,
  type QuotaTableBuffers,
} from '../../host/scheduler/quota-table.ts';

/** The column of every tenant: nothing is bounded in it. */
export const OPEN_COLUMN = 1;

export function openQuotas(threads: number): QuotaTableBuffers {
  const buffers = createQuotaTable(threads);
  const table = new QuotaTable(buffers);
  for (const column of [HOST, OPEN_COLUMN]) {
    for (const name of QUOTA_NAMES) table.setLimit(column, LIMIT[name], Number.MAX_SAFE_INTEGER);
  }
  return buffers;
}
