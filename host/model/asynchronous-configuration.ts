/**
 * How a function's own event queue is worked off: asynchronous invocations and ticks. Terms as in Lambda's
 * https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html
 */
import { z } from 'zod';
import { ASYNCHRONOUS_LIMITS } from '../event-limits.ts';
import { type Destinations, destinationsSchema } from './event-source-mapping.ts';

function bounded(name: keyof typeof ASYNCHRONOUS_LIMITS): z.ZodNumber {
  const { floor, ceiling, unit, reason } = ASYNCHRONOUS_LIMITS[name];
  return z.number().int().min(floor).max(ceiling).describe(`Unit: ${unit}. ${reason}`);
}

export const asynchronousConfigurationPatchSchema = z
  .strictObject({
    maximumAttempts: bounded('maximumAttempts'),
    maximumAgeMs: bounded('maximumAgeMs'),
    maximumConcurrency: bounded('maximumConcurrency'),
    retryBaseMs: bounded('retryBaseMs'),
    retryMaximumMs: bounded('retryMaximumMs'),
    destinations: destinationsSchema,
  })
  .partial();
export type AsynchronousConfigurationPatch = z.infer<typeof asynchronousConfigurationPatchSchema>;

export interface AsynchronousConfiguration {
  readonly maximumAttempts: number;
  readonly maximumAgeMs: number;
  /** Events of the queue in work at a time, over all hosts; the function's own concurrency and the quotas hold besides. */
  readonly maximumConcurrency: number;
  readonly retryBaseMs: number;
  readonly retryMaximumMs: number;
  readonly destinations: Destinations;
}

export function defaultAsynchronousConfiguration(): AsynchronousConfiguration {
  return {
    maximumAttempts: ASYNCHRONOUS_LIMITS.maximumAttempts.default,
    maximumAgeMs: ASYNCHRONOUS_LIMITS.maximumAgeMs.default,
    maximumConcurrency: ASYNCHRONOUS_LIMITS.maximumConcurrency.default,
    retryBaseMs: ASYNCHRONOUS_LIMITS.retryBaseMs.default,
    retryMaximumMs: ASYNCHRONOUS_LIMITS.retryMaximumMs.default,
    destinations: {},
  };
}
