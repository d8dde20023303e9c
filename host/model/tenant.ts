import { z } from 'zod';
import { TENANT_WEIGHT } from '../limits/limits.ts';
import type { TenantName } from './ids.ts';

export const TENANT_CLOCKS = ['coarse', 'fine'] as const;
export type TenantClock = (typeof TENANT_CLOCKS)[number];

export const TENANT_ISOLATIONS = ['shared', 'process'] as const;
export type TenantIsolation = (typeof TENANT_ISOLATIONS)[number];

/** What the operator may set of a tenant. Unknown keys are errors, so that a typo cannot pass for a default. */
export const tenantSettingsPatchSchema = z
  .strictObject({
    weight: z
      .number()
      .min(TENANT_WEIGHT.floor)
      .max(TENANT_WEIGHT.ceiling)
      .describe('Share of a busy thread, relative to the other tenants that want it.'),
    clock: z
      .enum(TENANT_CLOCKS)
      .describe(
        'What its functions see of time, and its callers in `server-timing`: `coarse` in steps of a millisecond, `fine` as the machine has it. Fine clocks help to read what is not shown: for tenants that are trusted.',
      ),
    isolation: z
      .enum(TENANT_ISOLATIONS)
      .describe(
        'Where its functions run: `shared`, in threads with those of other tenants, or `process`, in a process of their own.',
      ),
  })
  .partial();

export type TenantSettingsPatch = z.infer<typeof tenantSettingsPatchSchema>;

/** The settings of one tenant, complete. */
export interface TenantSettings {
  readonly weight: number;
  readonly clock: TenantClock;
  readonly isolation: TenantIsolation;
}

/** Who owns functions, keys and secrets. */
export interface Tenant {
  readonly name: TenantName;
  readonly settings: TenantSettings;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export function defaultTenantSettings(): TenantSettings {
  return { weight: TENANT_WEIGHT.default, clock: 'coarse', isolation: 'shared' };
}

/** Settings that a patch names replace the old ones whole. */
export function applyTenantPatch(base: TenantSettings, patch: TenantSettingsPatch): TenantSettings {
  const set = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  return { ...base, ...set };
}
