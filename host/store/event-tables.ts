/** What tenants define for events, in the registry's file: its tables, and what they do together. */
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { DefinitionPorts } from './definition-table.ts';
import { EventInvokeTable } from './event-invoke-table.ts';
import { MappingTable } from './mapping-table.ts';
import type { MasterKeys } from './master-keys.ts';
import { QueueTable } from './queue-table.ts';
import type { RegistryDatabase } from './registry-database.ts';
import { ScheduleTable } from './schedule-table.ts';
import { SigningSecretTable } from './signing-secret-table.ts';

export interface EventTablesPorts extends DefinitionPorts {
  readonly masterKeys: MasterKeys;
  /** Told of every function whose settings changed. */
  readonly changed: (tenant: TenantName, name: FunctionName) => void;
}

export class EventTables {
  readonly queues: QueueTable;
  readonly signingSecrets: SigningSecretTable;
  readonly mappings: MappingTable;
  readonly schedules: ScheduleTable;
  readonly invokeConfigs: EventInvokeTable;

  readonly #database: RegistryDatabase;

  constructor(ports: EventTablesPorts) {
    this.#database = ports.database;
    this.queues = new QueueTable(ports);
    this.signingSecrets = new SigningSecretTable({ ...ports, queues: this.queues });
    this.mappings = new MappingTable({ ...ports, queues: this.queues });
    this.schedules = new ScheduleTable(ports);
    this.invokeConfigs = new EventInvokeTable(ports);
  }

  /** All functions that there are, of all tenants: each has an event queue. */
  functions(): { readonly tenant: TenantName; readonly name: FunctionName }[] {
    return this.#database
      .sql('SELECT tenant, name FROM functions')
      .all()
      .map((row) => ({ tenant: row['tenant'] as TenantName, name: row['name'] as FunctionName }));
  }

  /**
   * Within the transaction that removes a tenant, ahead of its row, which takes the others along. Gives what tells their listeners, to
   * be called after it.
   */
  removeAll(tenant: TenantName): () => void {
    const mappings = this.mappings.list(tenant);
    const schedules = this.schedules.list(tenant);
    const tellQueues = this.queues.removeAll(tenant);
    return () => {
      tellQueues();
      for (const { name } of mappings) this.mappings.changed(tenant, name);
      for (const { name } of schedules) this.schedules.changed(tenant, name);
    };
  }
}
