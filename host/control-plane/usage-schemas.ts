/** The shapes of requests and responses about usage. */
import { z } from '@hono/zod-openapi';
import { byHostCallColumn } from '../model/host-call-kind.ts';
import { INSTANCE_STARTS, USAGE_TRIGGERS } from '../model/usage-record.ts';
import { ROLLUP_LEVELS, ROLLUP_SUMS, type RollupSum, USAGE_LEVELS } from '../model/usage-rollup.ts';
import { countSchema, instantSchema, nameSchema } from './schemas.ts';

/** `2026-11`, `2026-11-27` or an instant; all UTC unless it says otherwise. */
const atSchema = z
  .string()
  .regex(
    /^[0-9]{4}-[0-9]{2}(-[0-9]{2}(T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2}))?)?$/,
    'must be a date or an instant, such as 2026-11-27 or 2026-11-27T10:00:00Z',
  )
  .refine((text) => !Number.isNaN(Date.parse(text)), 'must be a date or an instant');

export const usageQuery = z.strictObject({
  level: z.enum(USAGE_LEVELS).default('day').openapi({ description: 'Each record, or what they add up to.' }),
  from: atSchema
    .optional()
    .openapi({ description: 'The first instant, UTC; the current month unless given.' }),
  to: atSchema.optional().openapi({ description: 'The first instant behind the range; now unless given.' }),
  function: nameSchema.optional().openapi({ description: 'Only of this function.' }),
  version: countSchema(1, Number.MAX_SAFE_INTEGER)
    .optional()
    .openapi({ description: 'Only of this version.' }),
  format: z.enum(['json', 'jsonl', 'csv']).default('json').openapi({
    description: '`json`: a page. `jsonl` and `csv`: the whole range, as a stream.',
  }),
  limit: countSchema(1, 1_000).default(1_000).openapi({ description: 'Rows of a page.' }),
  after: z
    .string()
    .max(1_000)
    .regex(/^[\w-]+$/)
    .optional()
    .openapi({ description: '`next` of the page before.' }),
});

const subjectFields = {
  tenant: nameSchema,
  generation: z
    .number()
    .int()
    .min(0)
    .openapi({ description: 'Tells the tenant from earlier ones of its name.' }),
  function: nameSchema,
  version: z.number().int().min(1),
  artifact: z.string(),
  fuelModel: z.string().openapi({ description: 'The cost model that the fuel was counted by.' }),
};

const amount = z.number().int().min(0);

export const usageRecordSchema = z
  .object({
    ...subjectFields,
    invocationId: z.string(),
    attempt: z.number().int().min(1),
    trigger: z.enum(USAGE_TRIGGERS),
    outcome: z.string().openapi({ description: '`returned`, or the code of the error it ended with.' }),
    fault: z.enum(['none', 'caller', 'function', 'host']),
    billed: z.boolean(),
    endedAt: instantSchema,
    fuel: amount,
    peakMemoryBytes: amount,
    memoryTimeKiBMs: amount.openapi({ description: 'Peak memory x time, in KiB x ms, rounded up.' }),
    queueUs: amount,
    initUs: amount,
    execUs: amount,
    start: z.enum(INSTANCE_STARTS),
    requestBytes: amount,
    responseBytes: amount,
    egressBytes: amount,
    immediateCalls: amount,
    waitingCalls: amount,
    ...byHostCallColumn(() => amount),
    outboundRequests: amount,
    outboundSentBytes: amount,
    outboundReceivedBytes: amount,
    logBytes: amount,
    batchSize: amount,
  })
  .openapi('UsageRecord', { description: 'What one invocation consumed.' });

/** Sums outgrow the numbers that JavaScript reads from JSON. */
export const sumSchema = z.string().regex(/^[0-9]+$/);

export const usageRollupSchema = z
  .object({
    ...subjectFields,
    level: z.enum(ROLLUP_LEVELS),
    start: instantSchema,
    billed: z.boolean().openapi({ description: 'Host faults are added up apart, and are on no bill.' }),
    peakMemoryBytes: sumSchema,
    ...(Object.fromEntries(ROLLUP_SUMS.map((name) => [name, sumSchema])) as Record<
      RollupSum,
      typeof sumSchema
    >),
  })
  .openapi('UsageRollup', { description: 'What records of a time come to. Sums are whole numbers as text.' });

export const usagePageSchema = z
  .object({
    rows: z.array(z.union([usageRecordSchema, usageRollupSchema])),
    next: z.string().optional().openapi({ description: 'For `after`; absent on the last page.' }),
  })
  .openapi('UsagePage', { description: 'Grouped by version, each in the order of time.' });

export type UsageRecordJson = z.infer<typeof usageRecordSchema>;
export type UsageRollupJson = z.infer<typeof usageRollupSchema>;
export type UsageRowJson = UsageRecordJson | UsageRollupJson;
export type UsagePageJson = z.infer<typeof usagePageSchema>;
