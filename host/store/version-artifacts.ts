/**
 * Which artifacts the versions of functions run on, in the registry's file.
 *
 * Invariants:
 *  1. What runs for a version is made of the upload that was published as that version: its artifact is replaced by another one of
 *     the same upload only, for the same handler. Its number, digest, settings and the sizes that its tenant's quota counts stay.
 *  2. Each replacement leaves an audit entry that names both artifacts.
 *  3. As of a publish, whoever tells of a replacement waits for `durable()`.
 */
import { THE_HOST } from '../model/actor.ts';
import type { HandlerKind } from '../model/artifact.ts';
import type { Digest, FunctionName, TenantName } from '../model/ids.ts';
import type { RunningVersion } from '../model/remetering.ts';
import type { AuditTable } from './audit-table.ts';
import type { FunctionListener } from './function-table.ts';
import type { RegistryDatabase } from './registry-database.ts';

/** An artifact that versions run on. */
export interface ArtifactInUse {
  readonly artifactKey: string;
  readonly digest: Digest;
  readonly handler: HandlerKind;
}

export class VersionArtifacts {
  readonly #database: RegistryDatabase;
  readonly #audit: AuditTable;
  readonly #listeners = new Set<FunctionListener>();

  constructor(database: RegistryDatabase, audit: AuditTable) {
    this.#database = database;
    this.#audit = audit;
  }

  /** Tells `listener` of every function whose live version runs on another artifact from now on. */
  onReplaced(listener: FunctionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Each once: those of live versions first, of these and of the others those that were published last. */
  list(): ArtifactInUse[] {
    const rows = this.#database
      .sql(
        `SELECT artifact_key AS artifactKey, digest, handler
         FROM versions JOIN functions USING (tenant, name)
         GROUP BY artifact_key, digest, handler
         ORDER BY max(version = live_version) DESC, max(versions.created_at_ms) DESC`,
      )
      .all();
    return rows as unknown as ArtifactInUse[];
  }

  /** By tenant, function and version. */
  versionsOf(artifactKey: string): RunningVersion[] {
    const rows = this.#database
      .sql(
        `SELECT tenant, name, version, version = live_version AS isLive
         FROM versions JOIN functions USING (tenant, name) WHERE artifact_key = ? ORDER BY tenant, name, version`,
      )
      .all(artifactKey);
    return rows.map((row) => ({ ...row, isLive: row['isLive'] === 1 })) as RunningVersion[];
  }

  /**
   * Has all versions of a tenant that run on one artifact run on another one, which was made of the same upload. What runs
   * goes on with what it has.
   */
  replace(tenant: TenantName, from: string, to: string, nowMs: number): void {
    const replaced = this.#database.changeUnsynced(tenant, () => {
      const versions = this.#database
        .sql(
          `SELECT name, version, version = live_version AS isLive
           FROM versions JOIN functions USING (tenant, name) WHERE artifact_key = ? AND tenant = ?`,
        )
        .all(from, tenant) as unknown as { name: FunctionName; version: number; isLive: 0 | 1 }[];
      this.#database
        .sql('UPDATE versions SET artifact_key = ? WHERE tenant = ? AND artifact_key = ?')
        .run(to, tenant, from);
      for (const { name, version } of versions) {
        const sides = { before: { version, artifact: from }, after: { version, artifact: to } };
        this.#audit.append(
          { tenant, actor: THE_HOST, action: 'function.remeter', target: name, ...sides },
          nowMs,
        );
      }
      return versions;
    });
    for (const { name, isLive } of replaced)
      if (isLive === 1) for (const listener of this.#listeners) listener(tenant, name);
  }
}
