/**
 * Secrets with which senders sign what they post to a queue's ingress, in the registry's file.
 *
 * Invariants:
 *  1. A secret is in the file only as AES-256-GCM made it (sealed-secret.ts), for this queue and no other.
 *  2. Any secret of a queue opens its ingress until it is removed: whoever rotates makes the next one, gives it to the
 *     sender, and removes the old one.
 *  3. It is shown once, by whoever made it; no listing, audit entry or error has one.
 */
import { MayflyError } from '../errors.ts';
import { QUEUE_LIMITS } from '../event-limits.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { QueueName, TenantName } from '../model/ids.ts';
import type { AuditTable } from './audit-table.ts';
import type { Row } from './definition-table.ts';
import type { MasterKeys } from './master-keys.ts';
import type { QueueTable } from './queue-table.ts';
import type { RegistryDatabase } from './registry-database.ts';
import { type Rotation, rotateRows, sealedOf } from './sealed-rows.ts';
import { open, type SealedFor, seal } from './sealed-secret.ts';

export interface SigningSecretListing {
  readonly id: string;
  readonly createdAtMs: number;
}

export interface SigningSecretTablePorts {
  readonly database: RegistryDatabase;
  readonly audit: AuditTable;
  readonly masterKeys: MasterKeys;
  readonly queues: QueueTable;
}

export class SigningSecretTable {
  readonly #ports: SigningSecretTablePorts;

  constructor(ports: SigningSecretTablePorts) {
    this.#ports = ports;
  }

  /**
   * @param id names it
   * @param secret `whsec_` and base64
   * @throws MayflyError tenant_not_found, queue_not_found, secrets_unavailable; invalid_request where the queue has as many as it may
   */
  add(
    { tenant, queue, id }: { readonly tenant: TenantName; readonly queue: QueueName; readonly id: string },
    secret: string,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): SigningSecretListing {
    const { database, audit, masterKeys, queues } = this.#ports;
    queues.require(tenant, queue);
    const { masterKeyId, wrappedKey, sealed } = seal(masterKeys, referenceOf(tenant, queue, id), secret);
    database.change(() => {
      if (this.list(tenant, queue).length >= QUEUE_LIMITS.signingSecrets) {
        throw new MayflyError(
          'invalid_request',
          `A queue has at most ${QUEUE_LIMITS.signingSecrets} signing secrets; remove one that no sender uses.`,
        );
      }
      database
        .sql(
          `INSERT INTO signing_secrets (tenant, queue, id, master_key_id, wrapped_key, sealed, created_at_ms)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        )
        .run(tenant, queue, id, masterKeyId, wrappedKey, sealed, nowMs);
      audit.append({ tenant, actor, action: 'signing-secret.create', target: `${queue}/${id}` }, nowMs);
    });
    return { id, createdAtMs: nowMs };
  }

  /** Oldest first. */
  list(tenant: TenantName, queue: QueueName): SigningSecretListing[] {
    return this.#rows(tenant, queue).map((row) => ({
      id: row['id'] as string,
      createdAtMs: row['created_at_ms'] as number,
    }));
  }

  /** @throws MayflyError signing_secret_not_found */
  remove(tenant: TenantName, queue: QueueName, id: string, nowMs: number, actor: Actor = THE_HOST): void {
    const { database, audit } = this.#ports;
    database.change(() => {
      const { changes } = database
        .sql('DELETE FROM signing_secrets WHERE tenant = ? AND queue = ? AND id = ?')
        .run(tenant, queue, id);
      if (Number(changes) === 0) {
        throw new MayflyError('signing_secret_not_found', `Queue ${tenant}/${queue} has no secret ${id}.`);
      }
      audit.append({ tenant, actor, action: 'signing-secret.delete', target: `${queue}/${id}` }, nowMs);
    });
  }

  /**
   * For whoever checks a signature; none where the queue has no ingress.
   * @throws MayflyError secrets_unavailable
   */
  values(tenant: TenantName, queue: QueueName): string[] {
    return this.#rows(tenant, queue).map((row) =>
      open(this.#ports.masterKeys, referenceOf(tenant, queue, row['id'] as string), sealedOf(row)),
    );
  }

  /** After a change of the master key, as {@link SecretTable.rotate}. */
  rotate(): Rotation {
    return rotateRows(this.#ports, {
      table: 'signing_secrets',
      key: ['tenant', 'queue', 'id'],
      referenceOf: (row) =>
        referenceOf(row['tenant'] as TenantName, row['queue'] as QueueName, row['id'] as string),
    });
  }

  #rows(tenant: TenantName, queue: QueueName): Row[] {
    return this.#ports.database
      .sql('SELECT * FROM signing_secrets WHERE tenant = ? AND queue = ? ORDER BY created_at_ms, id')
      .all(tenant, queue);
  }
}

function referenceOf(tenant: TenantName, queue: QueueName, id: string): SealedFor {
  return { tenant, function: `queue:${queue}`, name: id };
}
