/**
 * What usage costs. The operator sets price lists; each holds from the first of a month (UTC) until a later one does, so that a
 * month has one list, and a bill follows from the sums of its month alone.
 */
import { z } from 'zod';

/** What is priced, and how many of the ledger's units one priced unit is. */
export const METERS = {
  requests: {
    unit: 'request',
    per: 1n,
    about: 'Invocations, however they ended, but for faults of the host.',
  },
  fuel: { unit: 'million fuel', per: 1_000_000n, about: 'Fuel that they used.' },
  memory: {
    unit: 'GiB-second',
    per: 1_048_576n * 1_000n,
    about: 'Peak memory x time, which the ledger keeps in KiB x ms.',
  },
  egress: {
    unit: 'GiB',
    per: 2n ** 30n,
    about: 'Bodies of answers and of outbound requests, as they were sent.',
  },
} as const;
export type Meter = keyof typeof METERS;
export const METER_NAMES = Object.keys(METERS) as readonly Meter[];

/** How much of each meter, in the ledger's units: invocations, fuel, KiB x ms, bytes. */
export type MeteredUse = Readonly<Record<Meter, bigint>>;

/** Digits behind the point of a price: a picounit of the currency for a unit is the least that can be asked. */
export const PRICE_DIGITS = 12;

/** `0.0000002`: exact, which a number of JSON is not. */
const priceSchema = z
  .string()
  .regex(
    /^(0|[1-9][0-9]{0,8})(\.[0-9]{1,12})?$/,
    'must be a decimal such as "0.0000002", with at most 12 digits behind the point',
  )
  .describe('Of one unit, in the currency.');

const stepSchema = z.strictObject({
  upTo: z
    .number()
    .int()
    .min(1)
    .max(1e12)
    .optional()
    .describe('Units of the month up to which the price holds; absent in the last step.'),
  price: priceSchema,
});

const stepsSchema = z
  .array(stepSchema)
  .min(1)
  .max(20)
  .refine(isAscending, 'each step but the last needs an upTo above the one before, and the last has none');

function isAscending(steps: readonly { upTo?: number | undefined }[]): boolean {
  return steps.every(({ upTo }, i) => {
    if (i === steps.length - 1) return upTo === undefined;
    return upTo !== undefined && upTo > (steps[i - 1]?.upTo ?? 0);
  });
}

export const monthTextSchema: z.ZodString = z
  .string()
  .regex(/^[0-9]{4}-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11');

export const priceListSchema = z.strictObject({
  from: monthTextSchema.describe('First month (UTC) that it holds for. Not one that is over.'),
  currency: z.strictObject({
    code: z.string().regex(/^[A-Z]{3}$/, 'must be a code of ISO 4217 such as EUR'),
    minorUnitDigits: z.number().int().min(0).max(6).describe('2 for cents: amounts are rounded to these.'),
  }),
  prices: z
    .strictObject({
      requests: stepsSchema.describe('Per request.'),
      fuel: stepsSchema.describe('Per million fuel.'),
      memory: stepsSchema.describe('Per GiB-second.'),
      egress: stepsSchema.describe('Per GiB.'),
    })
    .partial()
    .describe('What is not named is free. A free tier is a first step at "0".'),
});

export type PriceList = z.infer<typeof priceListSchema>;

/** One as it was set. Lists are never changed: one for the same month takes the place of those before. */
export interface StoredPriceList {
  readonly id: number;
  readonly list: PriceList;
  readonly createdAtMs: number;
}

/** `2026-11` as months since the year 0, as quotas count them. */
export function monthOfText(text: string): number {
  return Number(text.slice(0, 4)) * 12 + Number(text.slice(5)) - 1;
}

export function textOfMonth(month: number): string {
  return `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}`;
}
