/**
 * Schedules as their tenants define them, and which ticks are over, in the registry's file.
 *
 * Invariants:
 *  1. Ticks up to `lastTickMs` are over: it never falls.
 *  2. A schedule that gets another expression, or is enabled again, owes no tick from before that.
 *  3. A tick is no change: it has no audit entry, and nobody is told.
 */
import { MayflyError } from '../errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { FunctionName, ScheduleName, TenantName } from '../model/ids.ts';
import {
  defaultScheduleSettings,
  type Schedule,
  type ScheduleExpression,
  type ScheduleSettings,
  type ScheduleSettingsPatch,
} from '../model/schedule.ts';
import { type DefinitionListener, namedSides, type Row, timesOf } from './event-row.ts';
import type { DefinitionPorts } from './queue-table.ts';

/** Settings with the one that has no default. */
export type NewScheduleSettings = ScheduleSettingsPatch & { readonly expression: ScheduleExpression };

export interface SchedulePatch {
  readonly function?: FunctionName;
  readonly settings: ScheduleSettingsPatch;
}

export class ScheduleTable {
  readonly #ports: DefinitionPorts;
  readonly #listeners = new Set<DefinitionListener<ScheduleName>>();

  constructor(ports: DefinitionPorts) {
    this.#ports = ports;
  }

  /** Tells `listener` of every schedule that was created, configured or removed, also along with its tenant. */
  onChange(listener: DefinitionListener<ScheduleName>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
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
    const { database, audit, tenants, quotas } = this.#ports;
    const { function: fn, settings } = definition;
    const created = database.change(() => {
      tenants.require(tenant);
      const before = this.find(tenant, name);
      if (!before) quotas.requireRoomFor(tenant, 'schedules');
      this.#requireFunction(tenant, fn);
      const after = { ...defaultScheduleSettings(settings.expression), ...settings } as ScheduleSettings;
      database
        .sql(
          `INSERT INTO schedules (tenant, name, function, settings, last_tick_ms, created_at_ms, updated_at_ms)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
           ON CONFLICT DO UPDATE SET function = excluded.function, settings = excluded.settings,
             last_tick_ms = excluded.last_tick_ms, updated_at_ms = excluded.updated_at_ms`,
        )
        .run(tenant, name, fn, JSON.stringify(settings), lastTickAfter(before, after, nowMs), nowMs);
      audit.append(
        {
          tenant,
          actor,
          action: before ? 'schedule.configure' : 'schedule.create',
          target: name,
          ...(before && { before: { function: before.function, ...before.settings } }),
          after: { function: fn, ...settings },
        },
        nowMs,
      );
      return before === undefined;
    });
    this.changed(tenant, name);
    return { schedule: this.require(tenant, name), created };
  }

  /**
   * Replaces what `patch` names.
   * @throws MayflyError tenant_not_found, schedule_not_found, function_not_found
   */
  configure(
    tenant: TenantName,
    name: ScheduleName,
    patch: SchedulePatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): Schedule {
    const { database, audit } = this.#ports;
    database.change(() => {
      const before = this.require(tenant, name);
      if (patch.function !== undefined) this.#requireFunction(tenant, patch.function);
      const named = {
        ...(patch.function === undefined ? {} : { function: patch.function }),
        ...patch.settings,
      };
      const sides = namedSides({ function: before.function, ...before.settings }, named);
      audit.append({ tenant, actor, action: 'schedule.configure', target: name, ...sides }, nowMs);
      const lastTickMs = lastTickAfter(
        before,
        { ...before.settings, ...patch.settings } as ScheduleSettings,
        nowMs,
      );
      database
        .sql(
          `UPDATE schedules SET function = ?, settings = ?, last_tick_ms = ?, updated_at_ms = ?
           WHERE tenant = ? AND name = ?`,
        )
        .run(
          patch.function ?? before.function,
          JSON.stringify({ ...this.#overrides(tenant, name), ...patch.settings }),
          lastTickMs,
          nowMs,
          tenant,
          name,
        );
    });
    this.changed(tenant, name);
    return this.require(tenant, name);
  }

  /** Ticks up to these are over. Of a schedule that is gone there is nothing to keep. */
  saveTicks(
    ticks: readonly { readonly tenant: TenantName; readonly name: ScheduleName; readonly tickMs: number }[],
  ): void {
    const { database } = this.#ports;
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

  /** @throws MayflyError tenant_not_found, schedule_not_found */
  remove(tenant: TenantName, name: ScheduleName, nowMs: number, actor: Actor = THE_HOST): void {
    const { database, audit } = this.#ports;
    database.change(() => {
      const { function: fn, settings } = this.require(tenant, name);
      database.sql('DELETE FROM schedules WHERE tenant = ? AND name = ?').run(tenant, name);
      const before = { function: fn, ...settings };
      audit.append({ tenant, actor, action: 'schedule.delete', target: name, before }, nowMs);
    });
    this.changed(tenant, name);
  }

  find(tenant: TenantName, name: ScheduleName): Schedule | undefined {
    const row = this.#row(tenant, name);
    return row && toSchedule(row);
  }

  /** @throws MayflyError tenant_not_found, schedule_not_found */
  require(tenant: TenantName, name: ScheduleName): Schedule {
    const schedule = this.find(tenant, name);
    if (schedule) return schedule;
    this.#ports.tenants.require(tenant);
    throw new MayflyError('schedule_not_found', `There is no schedule ${tenant}/${name}.`);
  }

  /** By name; of all tenants where none is named. */
  list(tenant?: TenantName): Schedule[] {
    const { database } = this.#ports;
    const rows =
      tenant === undefined
        ? database.sql('SELECT * FROM schedules ORDER BY tenant, name').all()
        : database.sql('SELECT * FROM schedules WHERE tenant = ? ORDER BY name').all(tenant);
    return rows.map(toSchedule);
  }

  /** For whoever removed schedules along with their tenant. */
  changed(tenant: TenantName, name: ScheduleName): void {
    for (const listener of this.#listeners) listener(tenant, name);
  }

  #requireFunction(tenant: TenantName, name: FunctionName): void {
    const sql = 'SELECT 1 FROM functions WHERE tenant = ? AND name = ?';
    if (this.#ports.database.sql(sql).get(tenant, name)) return;
    throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`, {
      field: 'function',
    });
  }

  #row(tenant: TenantName, name: ScheduleName): Row | undefined {
    return this.#ports.database
      .sql('SELECT * FROM schedules WHERE tenant = ? AND name = ?')
      .get(tenant, name);
  }

  #overrides(tenant: TenantName, name: ScheduleName): NewScheduleSettings {
    return JSON.parse(this.#row(tenant, name)?.['settings'] as string) as NewScheduleSettings;
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
