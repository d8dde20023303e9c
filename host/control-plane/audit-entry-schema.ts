import { z } from '@hono/zod-openapi';
import { AUDIT_ACTIONS } from '../model/audit-entry.ts';
import { instantSchema, nameSchema } from './schemas.ts';

export const auditEntrySchema = z
  .object({
    id: z.number().int().min(1).openapi({ description: 'Grows from entry to entry, over all tenants.' }),
    at: instantSchema,
    tenant: nameSchema.nullable().openapi({ description: '`null` for what belongs to the whole host.' }),
    actor: z.object({
      kind: z.enum(['operator', 'key', 'host']).openapi({ description: '`host`: on its own account.' }),
      keyId: z.string().optional(),
      address: z.string().optional().openapi({ description: 'The other end of the connection.' }),
    }),
    action: z.enum(AUDIT_ACTIONS),
    target: z.string().openapi({ description: 'A name, or the id of a key.' }),
    before: z.unknown().optional().openapi({ description: 'What was changed, as it was.' }),
    after: z.unknown().optional().openapi({ description: 'And as it is since.' }),
  })
  .openapi('AuditEntry', {
    description: 'Values of environment variables and of secrets are in no entry, only their names.',
  });

export type AuditEntryJson = z.infer<typeof auditEntrySchema>;
