/** The shapes of requests and responses about keys. */
import { z } from '@hono/zod-openapi';
import { KEY_SCOPES } from '../model/api-key.ts';
import { KEY_ID_PATTERN } from './key-text.ts';
import { instantSchema, nameSchema, tenantParams } from './schemas.ts';

/** A month: long enough to reach every place that holds a copy, short enough to end. */
const MAX_GRACE_SECONDS = 30 * 24 * 3_600;

const idSchema = z.string().regex(KEY_ID_PATTERN, 'must be the id of a key: 20 lower-case hex digits');
const scopesSchema = z.array(z.enum(KEY_SCOPES)).min(1).max(KEY_SCOPES.length).openapi({
  description:
    'What it allows: `deploy` changes functions, `invoke` calls them, `read` looks at them and their logs, `admin` includes all of these and manages keys.',
});

export const keyParams = tenantParams.extend({
  key: idSchema.openapi({ description: 'The id of the key.' }),
});

export const createKeyBody = z
  .strictObject({
    name: nameSchema.openapi({ description: 'Unique within its tenant.', example: 'ci' }),
    scopes: scopesSchema,
    expiresAt: instantSchema
      .optional()
      .openapi({ description: 'From when on it opens nothing; never if absent.' }),
  })
  .openapi('NewKey');

export const rotateKeyBody = z
  .strictObject({
    graceSeconds: z.number().int().min(0).max(MAX_GRACE_SECONDS).default(0).openapi({
      description: 'How long the text before this one is still valid.',
    }),
  })
  .openapi('KeyRotation');

const keyFields = {
  id: idSchema,
  name: nameSchema,
  prefix: z.string().openapi({ description: "How the key's text begins; the rest of it is kept nowhere." }),
  scopes: scopesSchema,
  createdAt: instantSchema,
  expiresAt: instantSchema.optional(),
  rotatedAt: instantSchema.optional(),
  previousValidUntil: instantSchema
    .optional()
    .openapi({ description: 'Until when the text before the last rotation is valid.' }),
  lastUsedAt: instantSchema.optional().openapi({ description: 'To within five minutes.' }),
};

export const keySchema = z.object(keyFields).openapi('Key');

export const madeKeySchema = z
  .object({
    ...keyFields,
    key: z
      .string()
      .openapi({ description: 'The text of the key, for `Authorization: Bearer`. Shown this once.' }),
  })
  .openapi('MadeKey');

export type KeyJson = z.infer<typeof keySchema>;
export type MadeKeyJson = z.infer<typeof madeKeySchema>;
