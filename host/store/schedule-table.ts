/**
 * Schedules as their tenants define them, and which ticks are over, in the registry's file.
 *
 * Invariants:
 *  1. Ticks up to `lastTickMs` are over: it never falls.
 *  2. A schedule that gets another expression, or is enabled again, owes no tick from before that.
 *  3. A tick is no change: it has no audit entry, and nobody is told.
 */
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { FunctionName, ScheduleName, TenantName } from '../model/ids.ts';
import {
  defaultScheduleSettings,
  type Schedule,
  type ScheduleExpression,
  type ScheduleSettings,
  type ScheduleSettingsPatch,
} from '../model/schedule.ts';
import { type DefinitionPorts, DefinitionTable, type Row, timesOf } from './definition-table.ts';

/** Settings with the one that has no default. */
export type NewScheduleSettings = ScheduleSettingsPatch & { readonly expression: ScheduleExpression };

export interface SchedulePatch {
  readonly function?: FunctionName;
  readonly settings: ScheduleSettingsPatch;
}

export class ScheduleTable extends DefinitionTable<ScheduleName, Schedule> {
  constructor(ports: DefinitionPorts) {
    super(ports, {
      table: 'schedules',
      noun: 'schedule',
      title: 'schedule',
      quota: 'schedules',
      toValue: toSchedule,
      audited: ({ function: fn, settings }) => ({ function: fn, ...settings }),
    });
  }

  /**
   * Creates a schedule, or makes the one there is what is given.
   * @throws MayflyError tenant_not_found, event_quota_exceeded, function_not_found
   */
  put(
    tenant: TenantName,
    name: ScheduleName,
    definition: { readonly function: FunctionName; readonly settings: NewScheduleSettings },
    nowMs: number,
    actor: Actor = THE_HOST,
  ): { readonly schedule: Schedule; readonly created: boolean } {
    const { function: fn, settings } = definition;
    const change = (before: Schedule | undefined) => {
      this.requireFunction(tenant, fn);
      const after = { ...defaultScheduleSettings(settings.expression), ...settings } as ScheduleSettings;
      const columns = { function: fn, last_tick_ms: lastTickAfter(before, after, nowMs) };
      return { columns, settings, named: { function: fn, ...settings } };
    };
    const { value: schedule, created } = this.define(tenant, name, change, nowMs, actor);
    return { schedule, created };
  }

  /**
   * Replaces what `patch` names.
   * @throws MayflyError tenant_not_found, schedule_not_found, function_not_found
   */
  configure(
    tenant: TenantName,
    name: ScheduleName,
    { settings, ...patch }: SchedulePatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): Schedule {
    const change = (before: Schedule) => {
      if (patch.function !== undefined) this.requireFunction(tenant, patch.function);
      const after = { ...before.settings, ...settings } as ScheduleSettings;
      const lastTickMs = lastTickAfter(before, after, nowMs);
      const columns = { function: patch.function ?? before.function, last_tick_ms: lastTickMs };
      return { columns, settings, named: { ...patch, ...settings } };
    };
    return this.amend(tenant, name, change, nowMs, actor);
  }

  /** Ticks up to these are over. Of a schedule that is gone there is nothing to keep. */
  saveTicks(
    ticks: readonly { readonly tenant: TenantName; readonly name: ScheduleName; readonly tickMs: number }[],
  ): void {
    const { database } = this.ports;
    database.change(() => {
      for (const { tenant, name, tickMs } of ticks) {
        database
          .sql(
            `UPDATE schedules SET last_tick_ms = max(coalesce(last_tick_ms, ?1), ?1)
             WHERE tenant = ?2 AND name = ?3`,
          )
          .run(tickMs, tenant, name);
      }
    });
  }
}

function lastTickAfter(before: Schedule | undefined, after: ScheduleSettings, nowMs: number): number | null {
  if (before === undefined) return null;
  const isAnother = JSON.stringify(before.settings.expression) !== JSON.stringify(after.expression);
  const isEnabledAgain = after.enabled && !before.settings.enabled;
  if (isAnother || isEnabledAgain) return Math.max(nowMs, before.lastTickMs ?? nowMs);
  return before.lastTickMs ?? null;
}

function toSchedule(row: Row): Schedule {
  const overrides = JSON.parse(row['settings'] as string) as NewScheduleSettings;
  return {
    tenant: row['tenant'] as TenantName,
    name: row['name'] as ScheduleName,
    function: row['function'] as FunctionName,
    settings: { ...defaultScheduleSettings(overrides.expression), ...overrides } as ScheduleSettings,
    lastTickMs: (row['last_tick_ms'] as number | null) ?? undefined,
    ...timesOf(row),
  };
}
