/**
 * Functions, their versions, and which version answers, in the registry's file.
 *
 * Invariants:
 *  1. A function always has at least one version, and its live version is one of its own (a foreign key that is
 *     checked at commit).
 *  2. A version never changes, but for what it runs on (version-artifacts.ts), and its number is never given again, also not after its
 *     function was removed; after its tenant was, it is given again under another generation.
 *  3. Publishing an artifact again makes the version of the function live that runs on it; the last one, where there are several: of
 *     before and behind an upgrade.
 *  4. Publishing, switching and configuring are durable only once the registry's `durable()` says so: whoever tells of them waits for
 *     it. Removing is durable at once, since files are removed behind it.
 *  5. What a function may use never exceeds the operator's ceilings, whatever was stored under older ones.
 */
import type { StatementSync } from 'node:sqlite';
import { MayflyError } from '../errors/errors.ts';
import type { FunctionLimitValues } from '../limits/limits.ts';
import { type Actor, THE_HOST } from '../model/actor.ts';
import type { ArtifactManifest, HandlerKind, PublishStep } from '../model/artifact.ts';
import {
  applyPatch,
  defaultConfiguration,
  type FunctionConfiguration,
  type FunctionConfigurationPatch,
} from '../model/function-configuration.ts';
import type { FunctionRecord, FunctionVersion, LiveFunction } from '../model/function-version.ts';
import type { Digest, FunctionName, TenantName } from '../model/ids.ts';
import type { AuditTable } from './audit-table.ts';
import { auditedSettings } from './audited-settings.ts';
import { refuseAboveCeiling, withinCeilings } from './ceilings.ts';
import type { RegistryDatabase } from './registry-database.ts';
import { type FunctionRow, toFunctionRow, toFunctionVersion } from './registry-rows.ts';
import { storedBytesOf, type TenantQuotaTable } from './tenant-quota-table.ts';
import type { TenantTable } from './tenant-table.ts';

/** What publishing learned about an upload, and for whom it was published. */
export interface Publication {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly artifactKey: string;
  readonly digest: Digest;
  readonly handler: HandlerKind;
  readonly world: string;
  readonly sizes: ArtifactManifest['sizes'];
  readonly steps: readonly PublishStep[];
  readonly nowMs: number;
}

/** Which functions to list: by name, `limit` of them, those behind `after` where it is given. */
export interface FunctionPage {
  readonly limit: number;
  readonly after?: FunctionName;
}

/** Which versions to list: newest first, `limit` of them, those below `before` where it is given. */
export interface VersionPage {
  readonly limit: number;
  readonly before?: number;
}

export type FunctionListener = (tenant: TenantName, name: FunctionName) => void;

const ALL_FUNCTIONS: FunctionPage = { limit: Number.MAX_SAFE_INTEGER };
const ALL_VERSIONS: VersionPage = { limit: Number.MAX_SAFE_INTEGER };

export interface FunctionTablePorts {
  readonly database: RegistryDatabase;
  readonly audit: AuditTable;
  readonly tenants: TenantTable;
  readonly quotas: TenantQuotaTable;
  readonly ceilings: FunctionLimitValues;
}

export class FunctionTable {
  readonly #ports: FunctionTablePorts;
  readonly #listeners = new Set<FunctionListener>();

  constructor(ports: FunctionTablePorts) {
    this.#ports = ports;
  }

  /** Tells `listener` of every function that was published, switched, configured or removed. */
  onChange(listener: FunctionListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Makes an artifact the live version of a function, which is created where it is missing. `created` tells a
   * new version from one that was there.
   * @throws MayflyError tenant_not_found, functions_limit_reached, storage_quota_exceeded
   */
  publish(
    publication: Publication,
    bounds: { readonly functionsPerTenant: number },
    actor: Actor = THE_HOST,
  ): { readonly version: FunctionVersion; readonly created: boolean } {
    const { tenant, name, artifactKey, nowMs } = publication;
    const result = this.#ports.database.changeUnsynced(tenant, () => {
      const before = this.#row(tenant, name);
      if (!before) {
        this.requireRoom(tenant, bounds.functionsPerTenant);
        // Version 0 does not exist; the deferred key holds this transaction to setting one that does.
        this.#sql(
          `INSERT INTO functions (tenant, name, live_version, configuration, created_at_ms, updated_at_ms)
           VALUES (?, ?, 0, '{}', ?, ?)`,
        ).run(tenant, name, nowMs, nowMs);
      }
      const known = this.#sql(
        'SELECT * FROM versions WHERE tenant = ? AND name = ? AND artifact_key = ? ORDER BY version DESC LIMIT 1',
      ).get(tenant, name, artifactKey);
      if (!known) this.#ports.quotas.requireStorage(tenant, storedBytesOf(publication.sizes));
      const version = known ? toFunctionVersion(known) : this.#insertVersion(publication);
      this.#pointAt(tenant, name, version.version, nowMs);
      this.#ports.audit.append(
        {
          tenant,
          actor,
          action: 'function.publish',
          target: name,
          ...(before && { before: { live: before.liveVersion } }),
          after: { live: version.version, digest: version.digest },
        },
        nowMs,
      );
      return { version, created: known === undefined };
    });
    this.changed(tenant, name);
    return result;
  }

  /** @throws MayflyError tenant_not_found, functions_limit_reached when one more function would be too many */
  requireRoom(tenant: TenantName, functionsPerTenant: number): void {
    this.#ports.tenants.require(tenant);
    this.#ports.quotas.requireRoomForFunction(tenant, functionsPerTenant);
  }

  find(tenant: TenantName, name: FunctionName): FunctionRecord | undefined {
    const row = this.#row(tenant, name);
    return row && this.#record(row);
  }

  /** Functions of a tenant by name. */
  list(tenant: TenantName, page: FunctionPage = ALL_FUNCTIONS): FunctionRecord[] {
    const rows = this.#sql('SELECT * FROM functions WHERE tenant = ? AND name > ? ORDER BY name LIMIT ?').all(
      tenant,
      page.after ?? '',
      page.limit,
    );
    return rows.map((row) => this.#record(toFunctionRow(row)));
  }

  /** All names of a tenant's functions, in order. */
  names(tenant: TenantName): FunctionName[] {
    const rows = this.#sql('SELECT name FROM functions WHERE tenant = ? ORDER BY name').all(tenant);
    return rows.map((row) => row['name'] as FunctionName);
  }

  /** Versions of a function, newest first; none where there is no such function. */
  versions(tenant: TenantName, name: FunctionName, page: VersionPage = ALL_VERSIONS): FunctionVersion[] {
    const rows = this.#sql(
      'SELECT * FROM versions WHERE tenant = ? AND name = ? AND version < ? ORDER BY version DESC LIMIT ?',
    ).all(tenant, name, page.before ?? Number.MAX_SAFE_INTEGER, page.limit);
    return rows.map(toFunctionVersion);
  }

  version(tenant: TenantName, name: FunctionName, version: number): FunctionVersion | undefined {
    const row = this.#sql('SELECT * FROM versions WHERE tenant = ? AND name = ? AND version = ?').get(
      tenant,
      name,
      version,
    );
    return row && toFunctionVersion(row);
  }

  /** @throws MayflyError function_not_found, version_not_found */
  setLive(
    tenant: TenantName,
    name: FunctionName,
    version: number,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): FunctionRecord {
    const record = this.#ports.database.changeUnsynced(tenant, () => {
      const { liveVersion } = this.#requireRow(tenant, name);
      if (!this.version(tenant, name, version)) {
        throw new MayflyError('version_not_found', `Function ${tenant}/${name} has no version ${version}.`, {
          field: 'version',
        });
      }
      this.#pointAt(tenant, name, version, nowMs);
      const sides = { before: { live: liveVersion }, after: { live: version } };
      this.#ports.audit.append({ tenant, actor, action: 'function.live', target: name, ...sides }, nowMs);
      return this.#record(this.#requireRow(tenant, name));
    });
    this.changed(tenant, name);
    return record;
  }

  /**
   * Replaces the settings that `patch` names.
   * @throws MayflyError function_not_found, limit_above_ceiling
   */
  configure(
    tenant: TenantName,
    name: FunctionName,
    patch: FunctionConfigurationPatch,
    nowMs: number,
    actor: Actor = THE_HOST,
  ): FunctionRecord {
    refuseAboveCeiling(patch, this.#ports.ceilings);
    const record = this.#ports.database.changeUnsynced(tenant, () => {
      const { overrides } = this.#requireRow(tenant, name);
      const sides = auditedSettings(this.#configuration(overrides), patch);
      this.#ports.audit.append(
        { tenant, actor, action: 'function.configure', target: name, ...sides },
        nowMs,
      );
      this.#sql(
        'UPDATE functions SET configuration = ?, updated_at_ms = ? WHERE tenant = ? AND name = ?',
      ).run(JSON.stringify({ ...overrides, ...patch }), nowMs, tenant, name);
      if (patch.reservedConcurrency !== undefined) this.#ports.quotas.refuseOverbookedFunctions(tenant);
      return this.#record(this.#requireRow(tenant, name));
    });
    this.changed(tenant, name);
    return record;
  }

  /**
   * Removes a function with its versions and settings; its version counter stays.
   * @throws MayflyError function_not_found
   */
  remove(tenant: TenantName, name: FunctionName, nowMs: number = Date.now(), actor: Actor = THE_HOST): void {
    this.#ports.database.change(() => {
      const { liveVersion } = this.#requireRow(tenant, name);
      this.#sql('DELETE FROM functions WHERE tenant = ? AND name = ?').run(tenant, name);
      const before = { live: liveVersion };
      this.#ports.audit.append({ tenant, actor, action: 'function.delete', target: name, before }, nowMs);
    });
    this.changed(tenant, name);
  }

  /** What a serving thread needs to answer for a function; undefined where there is no such function. */
  live(tenant: TenantName, name: FunctionName): LiveFunction | undefined {
    const row = this.#row(tenant, name);
    const version = row && this.version(tenant, name, row.liveVersion);
    if (!row || !version) return undefined;
    return {
      tenant,
      generation: this.#ports.audit.generationOf(tenant),
      name,
      version: version.version,
      artifactKey: version.artifactKey,
      handler: version.handler,
      configuration: this.#configuration(row.overrides),
    };
  }

  /** Those that have versions with the artifact. */
  tenantsOf(artifactKey: string): TenantName[] {
    const rows = this.#sql('SELECT DISTINCT tenant FROM versions WHERE artifact_key = ?').all(artifactKey);
    return rows.map((row) => row['tenant'] as TenantName);
  }

  /** Artifacts that some version still names; every other one may be swept. */
  artifactKeysInUse(): Set<string> {
    const rows = this.#sql('SELECT DISTINCT artifact_key AS key FROM versions').all();
    return new Set(rows.map(({ key }) => key as string));
  }

  /** The settings that a function starts with, within the operator's ceilings. */
  initialConfiguration(): FunctionConfiguration {
    return this.#configuration({});
  }

  /** For whoever changed what belongs to a function, or removed it along with its tenant. */
  changed(tenant: TenantName, name: FunctionName): void {
    for (const listener of this.#listeners) listener(tenant, name);
  }

  #sql(text: string): StatementSync {
    return this.#ports.database.sql(text);
  }

  #row(tenant: TenantName, name: FunctionName): FunctionRow | undefined {
    const row = this.#sql('SELECT * FROM functions WHERE tenant = ? AND name = ?').get(tenant, name);
    return row && toFunctionRow(row);
  }

  #requireRow(tenant: TenantName, name: FunctionName): FunctionRow {
    const row = this.#row(tenant, name);
    if (!row) throw new MayflyError('function_not_found', `There is no function ${tenant}/${name}.`);
    return row;
  }

  #record({ overrides, ...row }: FunctionRow): FunctionRecord {
    return { ...row, configuration: this.#configuration(overrides) };
  }

  #configuration(overrides: FunctionConfigurationPatch): FunctionConfiguration {
    return withinCeilings(applyPatch(defaultConfiguration(), overrides), this.#ports.ceilings);
  }

  #insertVersion(publication: Publication): FunctionVersion {
    const { tenant, name, artifactKey, digest, handler, world, sizes, steps, nowMs } = publication;
    const counter = this.#sql(
      `INSERT INTO version_counters (tenant, name, last_version) VALUES (?, ?, 1)
       ON CONFLICT DO UPDATE SET last_version = last_version + 1 RETURNING last_version`,
    ).get(tenant, name);
    const version = Number(counter?.['last_version']);
    this.#sql(
      `INSERT INTO versions
         (tenant, name, version, digest, artifact_key, handler, world, sizes, steps, created_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ).run(
      tenant,
      name,
      version,
      digest,
      artifactKey,
      handler,
      world,
      JSON.stringify(sizes),
      JSON.stringify(steps),
      nowMs,
    );
    return { tenant, name, version, digest, artifactKey, handler, world, sizes, steps, createdAtMs: nowMs };
  }

  #pointAt(tenant: TenantName, name: FunctionName, version: number, nowMs: number): void {
    this.#sql('UPDATE functions SET live_version = ?, updated_at_ms = ? WHERE tenant = ? AND name = ?').run(
      version,
      nowMs,
      tenant,
      name,
    );
  }
}
