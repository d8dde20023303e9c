/** Versions that are taken out of service. Another version of the function is not concerned. */
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { Quarantine } from '../model/quarantine.ts';
import type { AuditTable } from './audit-table.ts';
import type { RegistryDatabase } from './registry-database.ts';

export class QuarantineTable {
  readonly #database: RegistryDatabase;
  readonly #audit: AuditTable;
  readonly #changed: (tenant: TenantName, name: FunctionName) => void;

  /** @param changed tells whoever keeps routes of the function, after the change is durable */
  constructor(
    database: RegistryDatabase,
    audit: AuditTable,
    changed: (tenant: TenantName, name: FunctionName) => void,
  ) {
    this.#database = database;
    this.#audit = audit;
    this.#changed = changed;
  }

  find(tenant: TenantName, name: FunctionName, version: number): Quarantine | undefined {
    const row = this.#database
      .sql('SELECT since_ms, reason FROM quarantines WHERE tenant = ? AND name = ? AND version = ?')
      .get(tenant, name, version);
    if (row === undefined) return undefined;
    return { tenant, name, version, sinceMs: row['since_ms'] as number, reason: row['reason'] as string };
  }

  /** Takes effect with the next request; a version that is quarantined keeps its first reason. */
  impose({ tenant, name, version, sinceMs, reason }: Quarantine): void {
    this.#database.change(() => {
      const { changes } = this.#database
        .sql('INSERT INTO quarantines VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
        .run(tenant, name, version, sinceMs, reason);
      if (Number(changes) === 0) return;
      const after = { version, reason };
      this.#audit.append(
        { tenant, actor: THE_HOST, action: 'function.quarantine', target: name, after },
        sinceMs,
      );
    });
    this.#changed(tenant, name);
  }

  /** Lifts whatever quarantine is on versions of the function; says whether there was one. */
  lift(tenant: TenantName, name: FunctionName, nowMs: number, actor: Actor = THE_HOST): boolean {
    const isLifted = this.#database.change(() => {
      const rows = this.#database
        .sql('DELETE FROM quarantines WHERE tenant = ? AND name = ? RETURNING version, reason')
        .all(tenant, name);
      for (const before of rows) {
        this.#audit.append({ tenant, actor, action: 'function.release', target: name, before }, nowMs);
      }
      return rows.length > 0;
    });
    if (isLifted) this.#changed(tenant, name);
    return isLifted;
  }
}
