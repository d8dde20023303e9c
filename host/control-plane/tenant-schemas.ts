/** The shapes of requests and responses about tenants. */
import { z } from '@hono/zod-openapi';
import { tenantSettingsPatchSchema } from '../model/tenant.ts';
import { instantSchema, nameSchema } from './schemas.ts';

// `describe` makes a copy: schemas made before this library was loaded lack its methods.
export const tenantPatchBody = tenantSettingsPatchSchema
  .describe('Settings to replace.')
  .openapi('TenantSettingsPatch');

export const createTenantBody = z
  .strictObject({
    name: nameSchema.openapi({ description: 'Unique on this host.', example: 'acme' }),
    settings: tenantPatchBody.default({}),
  })
  .openapi('NewTenant');

export const removeTenantQuery = z.strictObject({
  withFunctions: z.enum(['true', 'false']).default('false').openapi({
    description: 'Delete its functions along with it; otherwise a tenant that has some is refused.',
  }),
});

export const tenantSchema = z
  .object({
    name: nameSchema,
    settings: tenantSettingsPatchSchema.required().describe('All settings.').openapi('TenantSettings'),
    createdAt: instantSchema,
    updatedAt: instantSchema,
  })
  .openapi('Tenant');

export type TenantJson = z.infer<typeof tenantSchema>;
