import type { InvocationId } from '../model/ids.ts';
import type { LogRecord } from '../model/log-record.ts';
import type { TenantTable } from './tenant-table.ts';

/**
 * Records without those of tenants that are gone. An invocation may outlive its tenant, and a later one of the same
 * name must not read what it wrote: so it counts when the invocation began, which its id says.
 */
export function withoutBelated(
  records: readonly LogRecord[],
  tenants: Pick<TenantTable, 'find'>,
): readonly LogRecord[] {
  const since = new Map<string, number>();
  return records.filter(({ tenant, invocationId }) => {
    let createdAtMs = since.get(tenant);
    if (createdAtMs === undefined) {
      createdAtMs = tenants.find(tenant)?.createdAtMs ?? Number.POSITIVE_INFINITY;
      since.set(tenant, createdAtMs);
    }
    return beganAtMs(invocationId) >= createdAtMs;
  });
}

/** RFC 9562, section 5.7: the first 48 bits of a UUIDv7 are the time. */
function beganAtMs(id: InvocationId): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
