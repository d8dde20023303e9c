/** What calls a function by the clock. Terms as in EventBridge Scheduler. */
import { z } from 'zod';
import { SCHEDULE_LIMITS } from '../limits/event-limits.ts';
import type { FunctionName, ScheduleName, TenantName } from './ids.ts';

export const scheduleExpressionSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('cron'),
    /** Five fields, or six with seconds in front. */
    expression: z.string().min(1).max(256),
    /** IANA name; ticks follow its daylight-saving time. */
    timeZone: z.string().min(1).max(64).default('UTC'),
  }),
  z.strictObject({
    type: z.literal('rate'),
    everyMs: z
      .number()
      .int()
      .min(1_000)
      .max(366 * 86_400_000),
  }),
  z.strictObject({ type: z.literal('at'), at: z.iso.datetime({ offset: true }) }),
]);
export type ScheduleExpression = z.infer<typeof scheduleExpressionSchema>;

/** What happens with ticks that were missed while no host ran: none, the last one, or each of them. */
export const MISSED_TICKS = ['skip', 'last', 'all'] as const;
export type MissedTicks = (typeof MISSED_TICKS)[number];

export interface ScheduleSettings {
  readonly enabled: boolean;
  readonly expression: ScheduleExpression;
  /** Each tick is delivered at a time within this window behind it, the same on every host. */
  readonly jitterMs: number;
  readonly missedTicks: MissedTicks;
  /** Body of the event. */
  readonly input: string;
  readonly contentType: string;
}

export interface Schedule {
  readonly tenant: TenantName;
  readonly name: ScheduleName;
  readonly function: FunctionName;
  readonly settings: ScheduleSettings;
  /** The last tick that was sent; ticks up to it are over. Undefined before the first. */
  readonly lastTickMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** What the owner of a schedule may set. */
export const scheduleSettingsPatchSchema = z
  .strictObject({
    enabled: z.boolean(),
    expression: scheduleExpressionSchema,
    jitterMs: z.number().int().min(0).max(SCHEDULE_LIMITS.jitterMs),
    missedTicks: z.enum(MISSED_TICKS),
    input: z.string().max(SCHEDULE_LIMITS.inputCharacters),
    contentType: z.string().min(1).max(256),
  })
  .partial();
export type ScheduleSettingsPatch = z.infer<typeof scheduleSettingsPatchSchema>;

export function defaultScheduleSettings(expression: ScheduleExpression): ScheduleSettings {
  return {
    enabled: true,
    expression,
    jitterMs: 0,
    missedTicks: 'last',
    input: '{}',
    contentType: 'application/json',
  };
}
