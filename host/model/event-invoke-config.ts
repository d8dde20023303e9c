/**
 * How a function's asynchronous invocations are tried, and where their outcome goes. Terms and defaults are Lambda's:
 * https://docs.aws.amazon.com/lambda/latest/api/API_PutFunctionEventInvokeConfig.html (its maximumRetryAttempts is one
 * less than maximumAttempts here).
 */
import { z } from 'zod';
import { MAPPING_LIMITS } from '../limits/event-limits.ts';
import { type Destinations, destinationsSchema } from './event-source-mapping.ts';

const { maximumAttempts, maximumAgeMs } = MAPPING_LIMITS;

/** Lambda tries twice after the first attempt. */
const DEFAULT_ATTEMPTS = 3;

export const eventInvokeConfigPatchSchema = z
  .strictObject({
    maximumAttempts: z
      .number()
      .int()
      .min(maximumAttempts.floor)
      .max(maximumAttempts.ceiling)
      .describe('Attempts at an event, the first included; then it is a dead letter.'),
    maximumAgeMs: z
      .number()
      .int()
      .min(maximumAgeMs.floor)
      .max(maximumAgeMs.ceiling)
      .describe('Unit: ms. An event that was accepted longer ago is not tried again.'),
    destinations: destinationsSchema,
  })
  .partial();
export type EventInvokeConfigPatch = z.infer<typeof eventInvokeConfigPatchSchema>;

export interface EventInvokeConfig {
  readonly maximumAttempts: number;
  readonly maximumAgeMs: number;
  readonly destinations: Destinations;
}

export function defaultEventInvokeConfig(): EventInvokeConfig {
  return { maximumAttempts: DEFAULT_ATTEMPTS, maximumAgeMs: maximumAgeMs.default, destinations: {} };
}
