/** What an invocation has used, written into the record of its tenant; inside the tenant's lock only. */

import { UNBOUNDED } from '../limits/tenant-quota-limits.ts';
import { monthOf } from '../model/tenant-quotas.ts';
import { LIMIT, type QuotaTable, STATE } from './quota-table.ts';
import { type Rate, taken } from './rate.ts';

export interface AdmissionClock {
  /** Milliseconds of a clock that all threads share and that never goes back. */
  monotonicMs(): number;
  /** Milliseconds since the epoch, for months. */
  wallMs(): number;
}

/** What the fuel rate lets a tenant be ahead of. */
const FUEL_BURST_SECONDS = 1;

export function fuelRate(perSecond: number): Rate {
  return { perSecond, burst: perSecond * FUEL_BURST_SECONDS };
}

/** Fuel of an invocation that has ended. */
export function burn(table: QuotaTable, tenant: number, fuel: number, clock: AdmissionClock): void {
  turnMonth(table, tenant, clock);
  table.setState(tenant, STATE.fuelOfMonth, table.state(tenant, STATE.fuelOfMonth) + fuel);
  const perSecond = table.limit(tenant, LIMIT.fuelPerSecond);
  if (perSecond === UNBOUNDED) return;
  const before = table.state(tenant, STATE.fuelFullAtMs);
  table.setState(tenant, STATE.fuelFullAtMs, taken(fuelRate(perSecond), before, clock.monotonicMs(), fuel));
}

/** Begins a new month where one has; gives the one that it is. */
export function turnMonth(table: QuotaTable, tenant: number, clock: Pick<AdmissionClock, 'wallMs'>): number {
  const month = monthOf(clock.wallMs());
  if (table.state(tenant, STATE.month) < month) {
    table.setState(tenant, STATE.month, month);
    table.setState(tenant, STATE.fuelOfMonth, 0);
    table.setState(tenant, STATE.outboundBytesOfMonth, 0);
  }
  return month;
}
