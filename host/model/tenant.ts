import { z } from 'zod';
import { TENANT_WEIGHT } from '../limits.ts';
import type { TenantName } from './ids.ts';

/** What the operator may set of a tenant. Unknown keys are errors, so that a typo cannot pass for a default. */
export const tenantSettingsPatchSchema = z
  .strictObject({
    weight: z
      .number()
      .min(TENANT_WEIGHT.floor)
      .max(TENANT_WEIGHT.ceiling)
      .describe('Share of a busy thread, relative to the other tenants that want it.'),
  })
  .partial();

export type TenantSettingsPatch = z.infer<typeof tenantSettingsPatchSchema>;

/** The settings of one tenant, complete. */
export interface TenantSettings {
  readonly weight: number;
}

/** Who owns functions, keys and secrets. */
export interface Tenant {
  readonly name: TenantName;
  readonly settings: TenantSettings;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export function defaultTenantSettings(): TenantSettings {
  return { weight: TENANT_WEIGHT.default };
}

/** Settings that a patch names replace the old ones whole. */
export function applyTenantPatch(base: TenantSettings, patch: TenantSettingsPatch): TenantSettings {
  const set = Object.fromEntries(Object.entries(patch).filter(([, value]) => value !== undefined));
  return { ...base, ...set };
}
