/** How the asynchronous invocations of functions are tried, in the registry's file; it goes with the function. */
import { MayflyError } from '../errors/errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import {
  defaultEventInvokeConfig,
  type EventInvokeConfig,
  type EventInvokeConfigPatch,
} from '../model/event-invoke-config.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { AuditTable } from './audit-table.ts';
import { namedSides } from './definition-table.ts';
import type { RegistryDatabase } from './registry-database.ts';

export interface EventInvokeTablePorts {
  readonly database: RegistryDatabase;
  readonly audit: AuditTable;
  /** Told of every function whose settings changed. */
  readonly changed: (tenant: TenantName, name: FunctionName) => void;
}

export class EventInvokeTable {
  readonly #ports: EventInvokeTablePorts;

  constructor(ports: EventInvokeTablePorts) {
    this.#ports = ports;
  }

  /** That of a function, complete; the defaults where there is no such function. */
  of(tenant: TenantName, name: FunctionName): EventInvokeConfig {
    return { ...defaultEventInvokeConfig(), ...this.#overrides(tenant, name) } as EventInvokeConfig;
  }

  /**
   * Replaces the settings that `patch` names.
   * @throws MayflyError function_not_found
   */
  configure(
    tenant: TenantName,
    name: FunctionName,
    patch: EventInvokeConfigPatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): EventInvokeConfig {
    const { database, audit, changed } = this.#ports;
    database.change(() => {
      if (!database.sql('SELECT 1 FROM functions WHERE tenant = ? AND name = ?').get(tenant, name)) {
        throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`);
      }
      const sides = namedSides(this.of(tenant, name), patch);
      audit.append({ tenant, actor, action: 'function.events', target: name, ...sides }, nowMs);
      database
        .sql(
          `INSERT INTO event_invoke_configs (tenant, function, config) VALUES (?, ?, ?)
           ON CONFLICT DO UPDATE SET config = excluded.config`,
        )
        .run(tenant, name, JSON.stringify({ ...this.#overrides(tenant, name), ...patch }));
    });
    changed(tenant, name);
    return this.of(tenant, name);
  }

  #overrides(tenant: TenantName, name: FunctionName): EventInvokeConfigPatch {
    const row = this.#ports.database
      .sql('SELECT config FROM event_invoke_configs WHERE tenant = ? AND function = ?')
      .get(tenant, name);
    return row === undefined ? {} : (JSON.parse(row['config'] as string) as EventInvokeConfigPatch);
  }
}
