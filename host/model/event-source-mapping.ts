/**
 * What ties a queue, or a stream that other programs write to, to a function. Lambda's terms:
 * https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html
 */
import { z } from 'zod';
import { MAPPING_LIMITS } from '../limits/event-limits.ts';
import { type FunctionName, type MappingName, NAME_PATTERN, type QueueName, type TenantName } from './ids.ts';

/** Where messages come from. A stream is a key of the Redis that the host is given. */
export const eventSourceSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('queue'), queue: z.string().regex(NAME_PATTERN) }),
  z.strictObject({
    type: z.literal('redis-stream'),
    key: z.string().min(1).max(512),
    consumerGroup: z.string().min(1).max(128).optional(),
    /** Where a group that is new begins: with the stream's first entry, or with what comes from now on. */
    startingPosition: z.enum(['trim-horizon', 'latest']).optional(),
  }),
]);

/** Where the outcome goes, besides the queue's own dead letters. */
export const destinationSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('queue'), queue: z.string().regex(NAME_PATTERN) }),
  z.strictObject({ type: z.literal('function'), function: z.string().regex(NAME_PATTERN) }),
  z.strictObject({ type: z.literal('webhook'), url: z.url({ protocol: /^https?$/ }).max(2_048) }),
]);
export type Destination = z.infer<typeof destinationSchema>;

export const destinationsSchema = z
  .strictObject({ onSuccess: destinationSchema.nullable(), onFailure: destinationSchema.nullable() })
  .partial();
export type Destinations = z.infer<typeof destinationsSchema>;

function bounded(name: keyof typeof MAPPING_LIMITS): z.ZodNumber {
  const { floor, ceiling, unit, reason } = MAPPING_LIMITS[name];
  return z.number().int().min(floor).max(ceiling).describe(`Unit: ${unit}. ${reason}`);
}

export const mappingSettingsPatchSchema = z
  .strictObject({
    enabled: z.boolean(),
    batchSize: bounded('batchSize'),
    batchingWindowMs: bounded('batchingWindowMs'),
    maximumConcurrency: bounded('maximumConcurrency'),
    maximumAttempts: bounded('maximumAttempts'),
    maximumAgeMs: bounded('maximumAgeMs'),
    retryBaseMs: bounded('retryBaseMs'),
    retryMaximumMs: bounded('retryMaximumMs'),
    bisectBatchOnError: z.boolean(),
    /** Lambda's event patterns; a message is for the function if any of them matches, or there is none. */
    filters: z.array(z.record(z.string(), z.unknown())).max(10),
    destinations: destinationsSchema,
  })
  .partial();
export type MappingSettingsPatch = z.infer<typeof mappingSettingsPatchSchema>;

export interface MappingSettings {
  readonly enabled: boolean;
  readonly batchSize: number;
  readonly batchingWindowMs: number;
  readonly maximumConcurrency: number;
  readonly maximumAttempts: number;
  readonly maximumAgeMs: number;
  readonly retryBaseMs: number;
  readonly retryMaximumMs: number;
  readonly bisectBatchOnError: boolean;
  readonly filters: readonly Readonly<Record<string, unknown>>[];
  readonly destinations: Destinations;
}

export type EventSource =
  | { readonly type: 'queue'; readonly queue: QueueName }
  | {
      readonly type: 'redis-stream';
      readonly key: string;
      readonly consumerGroup: string;
      readonly startingPosition: 'trim-horizon' | 'latest';
    };

export interface EventSourceMapping {
  readonly tenant: TenantName;
  readonly name: MappingName;
  readonly source: EventSource;
  readonly function: FunctionName;
  readonly settings: MappingSettings;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export function defaultMappingSettings(): MappingSettings {
  return {
    enabled: true,
    batchSize: MAPPING_LIMITS.batchSize.default,
    batchingWindowMs: MAPPING_LIMITS.batchingWindowMs.default,
    maximumConcurrency: MAPPING_LIMITS.maximumConcurrency.default,
    maximumAttempts: MAPPING_LIMITS.maximumAttempts.default,
    maximumAgeMs: MAPPING_LIMITS.maximumAgeMs.default,
    retryBaseMs: MAPPING_LIMITS.retryBaseMs.default,
    retryMaximumMs: MAPPING_LIMITS.retryMaximumMs.default,
    bisectBatchOnError: false,
    filters: [],
    destinations: {},
  };
}
