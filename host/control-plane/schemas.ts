/** The shapes of the control plane's requests and responses: what validates is what /openapi.json publishes. */
import { z } from '@hono/zod-openapi';
import { ERROR_TABLE, type ErrorCode } from '../errors/errors.ts';
import { HANDLER_KINDS } from '../model/artifact.ts';
import { functionConfigurationPatchSchema, LOG_LEVELS } from '../model/function-configuration.ts';
import { DIGEST_PATTERN, NAME_PATTERN } from '../model/ids.ts';

const NAME_RULE = 'must be 1 to 63 lower-case letters, digits and inner hyphens';
export const nameSchema = z.string().regex(NAME_PATTERN, NAME_RULE);

/** Numbers in a query are text; anything but plain digits is refused rather than guessed at. */
export const countSchema = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

// --- requests ---------------------------------------------------------------------------------------------

const tenantParam = nameSchema.openapi({ description: 'Who owns the function.', example: 'default' });

export const tenantParams = z.object({ tenant: tenantParam });

export const functionParams = z.object({
  tenant: tenantParam,
  name: nameSchema.openapi({ description: 'The function, unique within its tenant.', example: 'hello' }),
});

export const publishQuery = z.strictObject({
  handler: z.enum(HANDLER_KINDS).optional().openapi({
    description: 'The handler to use where the component exports several; HTTP wins unless named.',
  }),
});

/** A page of functions, at most. */
export const FUNCTIONS_PER_PAGE = 1_000;

export const functionsQuery = z.strictObject({
  limit: countSchema(1, FUNCTIONS_PER_PAGE)
    .default(100)
    .openapi({ description: 'How many functions, by name.' }),
  after: nameSchema
    .optional()
    .openapi({ description: 'Only functions behind this one by name: the last of the previous page.' }),
});

export const versionsQuery = z.strictObject({
  limit: countSchema(1, 1_000).default(100).openapi({ description: 'How many versions, newest first.' }),
  before: countSchema(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .openapi({ description: 'Only versions below this one: the last of the previous page.' }),
});

export const logsQuery = z.strictObject({
  limit: countSchema(0, 1_000).default(100).openapi({ description: 'How many records, the newest ones.' }),
  before: countSchema(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .openapi({ description: 'Only records with a lower id: the first of the previous page.' }),
  since: z.iso.datetime({ offset: true }).optional().openapi({ description: 'Only records from then on.' }),
  level: z.enum(LOG_LEVELS).exclude(['off']).optional().openapi({
    description: 'Only records of this level, or more severe.',
  }),
  invocation: z.uuid().optional().openapi({ description: 'Only records of this invocation.' }),
  trace: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional()
    .openapi({ description: 'Only records of this trace (W3C trace-id).' }),
  follow: z.enum(['true', 'false']).default('false').openapi({
    description: 'Keep the response open and send records as they come, one JSON object a line.',
  }),
});

export const liveBody = z
  .strictObject({ version: z.number().int().min(1) })
  .openapi('LiveVersion', { description: 'Which version answers.' });

// `describe` makes a copy: schemas made before this library was loaded lack its methods.
export const configurationPatchBody = functionConfigurationPatchSchema
  .describe('Settings to replace. The operator may have set ceilings below the maxima given here.')
  .openapi('FunctionConfigurationPatch');

// --- responses --------------------------------------------------------------------------------------------

export const instantSchema = z.iso.datetime();
const bytesSchema = z.number().int().min(0);

const versionFields = {
  tenant: nameSchema,
  name: nameSchema,
  version: z.number().int().min(1),
  digest: z.string().regex(DIGEST_PATTERN).openapi({ description: 'Of the uploaded bytes.' }),
  handler: z.enum(HANDLER_KINDS).openapi({ description: 'The kind of handler that is called.' }),
  world: z.string().openapi({ description: 'The exported interface with its full version.' }),
  sizes: z.object({ uploadBytes: bytesSchema, codeBytes: bytesSchema, glueBytes: bytesSchema }),
  steps: z
    .array(z.object({ name: z.string(), ms: z.number().min(0) }))
    .openapi({ description: 'The steps of publishing with their wall-clock times.' }),
  createdAt: instantSchema,
};

export const versionSchema = z
  .object({ ...versionFields, live: z.boolean().openapi({ description: 'Whether this version answers.' }) })
  .openapi('FunctionVersion');

const urlSchema = z.url().openapi({ description: 'Where the function answers HTTP requests.' });

export const publishedSchema = z
  .object({ ...versionFields, live: z.literal(true), url: urlSchema })
  .openapi('PublishedFunction');

export const configurationSchema = functionConfigurationPatchSchema
  .required()
  .describe('The settings of a function, complete.')
  .openapi('FunctionConfiguration');

const functionFields = {
  tenant: nameSchema,
  name: nameSchema,
  url: urlSchema,
  liveVersion: z.number().int().min(1),
  createdAt: instantSchema,
  updatedAt: instantSchema,
};

export const functionSchema = z
  .object({
    ...functionFields,
    live: versionSchema,
    configuration: configurationSchema,
    instances: z
      .object({
        road: z.enum(['linked', 'glue']),
        rewind: z.enum(['pagemap', 'madvise', 'copy', 'fresh']),
        reason: z.string().nullable(),
      })
      .optional()
      .openapi({
        description:
          'How instances are made (by the link plan or by the glue) and put back after an invocation, and why not in a better way.',
      }),
    quarantine: z
      .object({ version: z.number().int().min(1), since: instantSchema, reason: z.string() })
      .optional()
      .openapi({ description: 'Why and since when the live version is not run.' }),
  })
  .openapi('Function');

export const functionSummarySchema = z
  .object({ ...functionFields, digest: versionFields.digest, handler: versionFields.handler })
  .openapi('FunctionSummary');

export const logRecordSchema = z
  .object({
    id: z.number().int().min(1).openapi({ description: 'Grows from record to record.' }),
    version: z.number().int().min(1),
    invocationId: z.string(),
    timestamp: instantSchema,
    level: z.enum(LOG_LEVELS).exclude(['off']),
    source: z.enum(['stdout', 'stderr', 'host']),
    traceId: z.string().optional().openapi({ description: 'Where the invocation belongs to a trace.' }),
    spanId: z.string().optional(),
    message: z.string(),
  })
  .openapi('LogRecord');

export const healthSchema = z.object({ status: z.literal('ok') }).openapi('Health');

const ERROR_CODES = Object.keys(ERROR_TABLE) as ErrorCode[];

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.enum(ERROR_CODES),
    fault: z.enum(['caller', 'function', 'host']).openapi({ description: 'Who has to act.' }),
    retryable: z.boolean(),
    mend: z.string().openapi({ description: 'What to do about it.' }),
    field: z.string().optional().openapi({ description: 'The offending input.' }),
    quota: z
      .object({
        name: z.string(),
        scope: z.enum(['tenant', 'function']),
        limit: z.number(),
        used: z.number().optional().openapi({ description: 'Of what is stored: how much there is.' }),
        resetAt: z.iso
          .datetime()
          .nullable()
          .openapi({ description: 'When there is room again; null where no time makes room.' }),
      })
      .optional()
      .openapi({ description: 'The quota that is used up, and when it has room again.' }),
    instance: z.string().optional().openapi({ description: 'The invocation it happened in.' }),
  })
  .openapi('Problem', { description: 'Problem details (RFC 9457). The codes are in docs/errors.md.' });

export type VersionJson = z.infer<typeof versionSchema>;
export type PublishedJson = z.infer<typeof publishedSchema>;
export type FunctionJson = z.infer<typeof functionSchema>;
export type FunctionSummaryJson = z.infer<typeof functionSummarySchema>;
export type ConfigurationJson = z.infer<typeof configurationSchema>;
export type LogRecordJson = z.infer<typeof logRecordSchema>;
