/**
 * What tenants define by name (queues, event source mappings, schedules), each in a table of the registry's file: a row holds the
 * settings that differ from the defaults, and the columns that its kind has beside them.
 */
import type { SQLInputValue } from 'node:sqlite';
import { type ErrorCode, MayflyError } from '../errors/errors.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { AuditAction } from '../model/audit-entry.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { AuditTable } from './audit-table.ts';
import type { RegistryDatabase } from './registry-database.ts';
import type { TenantQuotaTable } from './tenant-quota-table.ts';
import type { TenantTable } from './tenant-table.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Told of whatever was created, configured or removed, after it is durable and before the method returns. */
export type DefinitionListener<Name> = (tenant: TenantName, name: Name) => void;

export interface DefinitionPorts {
  readonly database: RegistryDatabase;
  readonly audit: AuditTable;
  readonly tenants: TenantTable;
  readonly quotas: TenantQuotaTable;
}

export interface DefinitionKind<Value> {
  readonly table: 'queues' | 'event_source_mappings' | 'schedules';
  /** As the audit log and the codes of errors have it. */
  readonly noun: 'queue' | 'mapping' | 'schedule';
  readonly title: string;
  readonly quota: 'queues' | 'eventSourceMappings' | 'schedules';
  readonly toValue: (row: Row) => Value;
  /** All that an audit entry says of one. */
  readonly audited: (value: Value) => object;
}

type Columns = Readonly<Record<string, SQLInputValue>>;

/** What becomes of a row. */
interface Change {
  /** Every one that its kind has. */
  readonly columns: Columns;
  /** Those that differ from the defaults. */
  readonly settings: object;
  /** What the audit log says was named. */
  readonly named: object;
}

export abstract class DefinitionTable<Name extends string, Value> {
  protected readonly ports: DefinitionPorts;
  readonly #kind: DefinitionKind<Value>;
  readonly #listeners = new Set<DefinitionListener<Name>>();

  constructor(ports: DefinitionPorts, kind: DefinitionKind<Value>) {
    this.ports = ports;
    this.#kind = kind;
  }

  /** Tells `listener` of each one that was created, configured or removed, also along with its tenant. */
  onChange(listener: DefinitionListener<Name>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  find(tenant: TenantName, name: Name): Value | undefined {
    const row = this.#row(tenant, name);
    return row && this.#kind.toValue(row);
  }

  /** @throws MayflyError tenant_not_found, or that there is none of this name */
  require(tenant: TenantName, name: Name): Value {
    const value = this.find(tenant, name);
    if (value) return value;
    this.ports.tenants.require(tenant);
    const { noun, title } = this.#kind;
    const code: ErrorCode = `${noun}_not_found`;
    throw new MayflyError(code, `There is no ${title} ${tenant}/${name}.`);
  }

  /** By name; of all tenants where none is named. */
  list(tenant?: TenantName): Value[] {
    const { table, toValue } = this.#kind;
    const { database } = this.ports;
    const rows =
      tenant === undefined
        ? database.sql(`SELECT * FROM ${table} ORDER BY tenant, name`).all()
        : database.sql(`SELECT * FROM ${table} WHERE tenant = ? ORDER BY name`).all(tenant);
    return rows.map(toValue);
  }

  /** For whoever removed one along with its tenant. */
  changed(tenant: TenantName, name: Name): void {
    for (const listener of this.#listeners) listener(tenant, name);
  }

  /** @throws MayflyError tenant_not_found, or that there is none of this name */
  remove(tenant: TenantName, name: Name, nowMs: number, actor: Actor = THE_HOST): void {
    const { database, audit } = this.ports;
    const { table, audited } = this.#kind;
    database.change(() => {
      const before = audited(this.require(tenant, name));
      this.beforeRemoval(tenant, name);
      database.sql(`DELETE FROM ${table} WHERE tenant = ? AND name = ?`).run(tenant, name);
      audit.append({ tenant, actor, action: this.#action('delete'), target: name, before }, nowMs);
    });
    this.changed(tenant, name);
  }

  /** Within the transaction of a removal: throws what forbids it. */
  protected beforeRemoval(_tenant: TenantName, _name: Name): void {}

  /**
   * Creates one, or makes the one there is what `change` says.
   * @throws MayflyError tenant_not_found, event_quota_exceeded
   */
  protected define(
    tenant: TenantName,
    name: Name,
    change: (before: Value | undefined) => Change,
    nowMs: number,
    actor: Actor,
  ): { readonly value: Value; readonly created: boolean } {
    const { database, audit, tenants, quotas } = this.ports;
    const { quota, audited } = this.#kind;
    const created = database.change(() => {
      tenants.require(tenant);
      const before = this.find(tenant, name);
      if (!before) quotas.requireRoomFor(tenant, quota);
      const after = change(before);
      this.#write(tenant, name, after, nowMs);
      const sides = { ...(before && { before: audited(before) }), after: after.named };
      const action = this.#action(before ? 'configure' : 'create');
      audit.append({ tenant, actor, action, target: name, ...sides }, nowMs);
      return before === undefined;
    });
    this.changed(tenant, name);
    return { value: this.require(tenant, name), created };
  }

  /**
   * Replaces some of what one is made of; `settings` come on top of those it has.
   * @throws MayflyError tenant_not_found, or that there is none of this name
   */
  protected amend(
    tenant: TenantName,
    name: Name,
    change: (before: Value) => Change,
    nowMs: number,
    actor: Actor,
  ): Value {
    const { database, audit } = this.ports;
    database.change(() => {
      const before = this.require(tenant, name);
      const { columns, settings, named } = change(before);
      const sides = namedSides(this.#kind.audited(before), named);
      audit.append({ tenant, actor, action: this.#action('configure'), target: name, ...sides }, nowMs);
      const overrides = JSON.parse(this.#row(tenant, name)?.['settings'] as string) as object;
      this.#write(tenant, name, { columns, settings: { ...overrides, ...settings } }, nowMs);
    });
    this.changed(tenant, name);
    return this.require(tenant, name);
  }

  /** @throws MayflyError function_not_found */
  protected requireFunction(tenant: TenantName, name: FunctionName): void {
    const sql = 'SELECT 1 FROM functions WHERE tenant = ? AND name = ?';
    if (this.ports.database.sql(sql).get(tenant, name)) return;
    throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`, {
      field: 'function',
    });
  }

  #row(tenant: TenantName, name: Name): Row | undefined {
    return this.ports.database
      .sql(`SELECT * FROM ${this.#kind.table} WHERE tenant = ? AND name = ?`)
      .get(tenant, name);
  }

  /** When it was created stays. */
  #write(tenant: TenantName, name: Name, { columns, settings }: Omit<Change, 'named'>, nowMs: number): void {
    const changing: Columns = { ...columns, settings: JSON.stringify(settings), updated_at_ms: nowMs };
    const all: Columns = { tenant, name, created_at_ms: nowMs, ...changing };
    const names = Object.keys(all);
    this.ports.database
      .sql(
        `INSERT INTO ${this.#kind.table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})
         ON CONFLICT DO UPDATE SET ${Object.keys(changing)
           .map((column) => `${column} = excluded.${column}`)
           .join(', ')}`,
      )
      .run(...Object.values(all));
  }

  #action(what: 'create' | 'configure' | 'delete'): AuditAction {
    return `${this.#kind.noun}.${what}`;
  }
}

/** What the audit log keeps of a change of settings: those that were named, before and after. */
export function namedSides(
  settings: object,
  patch: object,
): { readonly before: object; readonly after: object } {
  const named = Object.entries(settings).filter(([name]) => Object.hasOwn(patch, name));
  return { before: Object.fromEntries(named), after: patch };
}

export function timesOf(row: Row): { readonly createdAtMs: number; readonly updatedAtMs: number } {
  return { createdAtMs: row['created_at_ms'] as number, updatedAtMs: row['updated_at_ms'] as number };
}
