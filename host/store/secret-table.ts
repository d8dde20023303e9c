/**
 * Secrets of functions, in the registry's file: names for whoever may read, values for their function alone.
 *
 * Invariants:
 *  1. A value is in the file only as AES-256-GCM made it (sealed-secret.ts), so also in every copy of the file.
 *  2. Values leave by {@link SecretTable.values} and nowhere else: no listing, audit entry or error has one.
 *  3. A function whose secrets cannot all be opened does not run with some of them missing: it is an error.
 *  4. Whoever changes a secret is told after it is durable, and after its function's listeners were.
 */
import { MayflyError } from '../errors.ts';
import { HOST_LIMITS } from '../limits.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { AuditTable } from './audit-table.ts';
import type { Row } from './definition-table.ts';
import type { MasterKeys } from './master-keys.ts';
import type { RegistryDatabase } from './registry-database.ts';
import { type Rotation, rotateRows, sealedOf } from './sealed-rows.ts';
import { open, SEAL_BYTES, type SecretReference, seal } from './sealed-secret.ts';

export interface SecretListing {
  readonly name: string;
  readonly updatedAtMs: number;
}

export interface SecretTablePorts {
  readonly database: RegistryDatabase;
  readonly audit: AuditTable;
  readonly masterKeys: MasterKeys;
  /** Told of every function whose secrets changed. */
  readonly changed: (tenant: TenantName, name: FunctionName) => void;
}

export class SecretTable {
  readonly #ports: SecretTablePorts;

  constructor(ports: SecretTablePorts) {
    this.#ports = ports;
  }

  /**
   * Creates a secret or replaces its value.
   * @throws MayflyError function_not_found, secrets_unavailable, secrets_limit_reached
   */
  set(reference: SecretReference, value: string, nowMs: number, actor: Actor = THE_HOST): void {
    const { database, audit, masterKeys, changed } = this.#ports;
    const { tenant, function: name, name: secret } = reference;
    const { masterKeyId, wrappedKey, sealed } = seal(masterKeys, reference, value);
    database.change(() => {
      this.#requireFunction(reference);
      this.#requireRoom(reference, sealed.length);
      database
        .sql(
          `INSERT INTO secrets (tenant, function, name, master_key_id, wrapped_key, sealed, updated_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET master_key_id = excluded.master_key_id, wrapped_key = excluded.wrapped_key,
             sealed = excluded.sealed, updated_at_ms = excluded.updated_at_ms`,
        )
        .run(tenant, name, secret, masterKeyId, wrappedKey, sealed, nowMs);
      audit.append({ tenant, actor, action: 'secret.set', target: `${name}/${secret}` }, nowMs);
    });
    changed(tenant, name);
  }

  /** By name; none where there is no such function. */
  list(tenant: TenantName, name: FunctionName): SecretListing[] {
    return this.#rows(tenant, name).map((row) => ({
      name: row['name'] as string,
      updatedAtMs: row['updated_at_ms'] as number,
    }));
  }

  /** @throws MayflyError secret_not_found */
  remove(reference: SecretReference, nowMs: number, actor: Actor = THE_HOST): void {
    const { database, audit, changed } = this.#ports;
    const { tenant, function: name, name: secret } = reference;
    database.change(() => {
      const { changes } = database
        .sql('DELETE FROM secrets WHERE tenant = ? AND function = ? AND name = ?')
        .run(tenant, name, secret);
      if (Number(changes) === 0) {
        throw new MayflyError('secret_not_found', `Function ${tenant}/${name} has no secret ${secret}.`);
      }
      audit.append({ tenant, actor, action: 'secret.delete', target: `${name}/${secret}` }, nowMs);
    });
    changed(tenant, name);
  }

  /**
   * For the function's environment.
   * @throws MayflyError secrets_unavailable
   */
  values(tenant: TenantName, name: FunctionName): Readonly<Record<string, string>> {
    const entries = this.#rows(tenant, name).map((row) => {
      const reference = referenceOf(row);
      return [reference.name, open(this.#ports.masterKeys, reference, sealedOf(row))] as const;
    });
    return Object.fromEntries(entries);
  }

  /**
   * After the operator has given a new master key: wraps every data key under it. Gives how many secrets were wrapped
   * again, and how many cannot be opened with any key that is given; those stay as they are.
   */
  rotate(): Rotation {
    return rotateRows(this.#ports, {
      table: 'secrets',
      key: ['tenant', 'function', 'name'],
      referenceOf,
    });
  }

  #rows(tenant: TenantName, name: FunctionName): Row[] {
    return this.#ports.database
      .sql('SELECT * FROM secrets WHERE tenant = ? AND function = ? ORDER BY name')
      .all(tenant, name);
  }

  #requireFunction({ tenant, function: name }: SecretReference): void {
    const row = this.#ports.database
      .sql('SELECT 1 FROM functions WHERE tenant = ? AND name = ?')
      .get(tenant, name);
    if (!row) throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`);
  }

  /** They share the bound of what is not secret in an environment. */
  #requireRoom({ tenant, function: name, name: secret }: SecretReference, sealedBytes: number): void {
    const others = this.#rows(tenant, name).filter((row) => row['name'] !== secret);
    const bytes = others.reduce((sum, row) => sum + weightOf(row['name'], row['sealed'] as Uint8Array), 0);
    const all = bytes + secret.length + sealedBytes - SEAL_BYTES;
    if (others.length < HOST_LIMITS.secretsPerFunction && all <= HOST_LIMITS.environmentBytes) return;
    throw new MayflyError(
      'secrets_limit_reached',
      `A function may have ${HOST_LIMITS.secretsPerFunction} secrets with ${HOST_LIMITS.environmentBytes} bytes together.`,
    );
  }
}

function weightOf(name: unknown, sealed: Uint8Array): number {
  return (name as string).length + sealed.length - SEAL_BYTES;
}

function referenceOf(row: Row): SecretReference {
  return {
    tenant: row['tenant'] as TenantName,
    function: row['function'] as FunctionName,
    name: row['name'] as string,
  };
}
