/** The shapes of requests and responses about quotas and quarantines. */
import { z } from '@hono/zod-openapi';
import { TENANT_QUOTAS, type TenantQuotaName } from '../limits/tenant-quota-limits.ts';
import { tenantQuotasPatchSchema } from '../model/tenant-quotas.ts';
import { instantSchema } from './schemas.ts';

// `describe` makes a copy: schemas made before this library was loaded lack its methods.
export const quotasPatchBody = tenantQuotasPatchSchema
  .describe('Quotas to replace.')
  .openapi('TenantQuotasPatch');

const quotaUseSchema = z
  .object({
    limit: z.number().int().min(0),
    used: z.number().min(0).optional().openapi({ description: 'Now; absent for what is no amount.' }),
    resetAt: instantSchema.optional().openapi({ description: 'When what is used is counted anew.' }),
  })
  .openapi('QuotaUse');

const QUOTA_NAMES = Object.keys(TENANT_QUOTAS) as TenantQuotaName[];

export const tenantQuotasSchema = z
  .object(
    Object.fromEntries(QUOTA_NAMES.map((name) => [name, quotaUseSchema])) as Record<
      TenantQuotaName,
      typeof quotaUseSchema
    >,
  )
  .openapi('TenantQuotas', {
    description: 'Each quota of a tenant, and what is used of it over all threads.',
  });

export type TenantQuotasJson = z.infer<typeof tenantQuotasSchema>;
