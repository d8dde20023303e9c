/** What the host knows, in the shapes of schemas.ts: times as ISO 8601, nothing that only the host needs. */
import type { ApiKey } from '../model/api-key.ts';
import type { AuditEntry } from '../model/audit-entry.ts';
import type { FunctionConfiguration } from '../model/function-configuration.ts';
import type { FunctionVersion } from '../model/function-version.ts';
import type { InstanceFacts } from '../model/instance-facts.ts';
import type { Quarantine } from '../model/quarantine.ts';
import type { Tenant } from '../model/tenant.ts';
import type { StoredLogRecord } from '../store/log-store.ts';
import type { AuditEntryJson } from './audit-entry-schema.ts';
import type { FunctionDescription, NewlyMadeKey } from './backend.ts';
import type { KeyJson, MadeKeyJson } from './key-schemas.ts';
import { keyPrefix } from './key-text.ts';
import type {
  ConfigurationJson,
  FunctionJson,
  FunctionSummaryJson,
  LogRecordJson,
  PublishedJson,
  VersionJson,
} from './schemas.ts';
import type { TenantJson } from './tenant-schemas.ts';

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

export function tenantJson({ name, settings, createdAtMs, updatedAtMs }: Tenant): TenantJson {
  return { name, settings, createdAt: instant(createdAtMs), updatedAt: instant(updatedAtMs) };
}

export function auditEntryJson({
  id,
  atMs,
  tenant,
  actor,
  action,
  target,
  before,
  after,
}: AuditEntry): AuditEntryJson {
  return {
    id,
    at: instant(atMs),
    tenant,
    actor: { ...actor },
    action,
    target,
    ...(before === undefined ? {} : { before }),
    ...(after === undefined ? {} : { after }),
  };
}

export function keyJson(key: ApiKey): KeyJson {
  const { id, name, scopes, createdAtMs, expiresAtMs, rotatedAtMs, previousUntilMs, lastUsedAtMs } = key;
  return {
    id,
    name,
    prefix: keyPrefix(id),
    scopes: [...scopes],
    createdAt: instant(createdAtMs),
    ...(expiresAtMs === undefined ? {} : { expiresAt: instant(expiresAtMs) }),
    ...(rotatedAtMs === undefined ? {} : { rotatedAt: instant(rotatedAtMs) }),
    ...(previousUntilMs === undefined ? {} : { previousValidUntil: instant(previousUntilMs) }),
    ...(lastUsedAtMs === undefined ? {} : { lastUsedAt: instant(lastUsedAtMs) }),
  };
}

export function madeKeyJson({ key, text }: NewlyMadeKey): MadeKeyJson {
  return { ...keyJson(key), key: text };
}

export function versionJson(version: FunctionVersion, liveVersion: number): VersionJson {
  return { ...versionFields(version), live: version.version === liveVersion };
}

export function publishedJson(version: FunctionVersion, url: string): PublishedJson {
  return { ...versionFields(version), live: true, url };
}

export function functionJson(
  { record, live, quarantine }: FunctionDescription,
  instances: InstanceFacts | undefined,
  url: string,
): FunctionJson {
  return {
    ...functionFields({ record, live }, url),
    live: versionJson(live, record.liveVersion),
    configuration: configurationJson(record.configuration),
    ...(instances === undefined ? {} : { instances: { ...instances } }),
    ...(quarantine === undefined ? {} : { quarantine: quarantineJson(quarantine) }),
  };
}

function quarantineJson({ version, sinceMs, reason }: Quarantine): NonNullable<FunctionJson['quarantine']> {
  return { version, since: instant(sinceMs), reason };
}

export function functionSummaryJson(description: FunctionDescription, url: string): FunctionSummaryJson {
  const { digest, handler } = description.live;
  return { ...functionFields(description, url), digest, handler };
}

export function configurationJson(configuration: FunctionConfiguration): ConfigurationJson {
  return {
    ...configuration,
    environment: { ...configuration.environment },
    allowedHosts: [...configuration.allowedHosts],
  };
}

export function logRecordJson(record: StoredLogRecord): LogRecordJson {
  const { id, version, invocationId, timestampMs, level, source, message, traceId, spanId } = record;
  const trace = traceId === undefined ? {} : { traceId, spanId };
  return { id, version, invocationId, timestamp: instant(timestampMs), level, source, ...trace, message };
}

function functionFields({ record }: FunctionDescription, url: string) {
  const { tenant, name, liveVersion, createdAtMs, updatedAtMs } = record;
  return { tenant, name, url, liveVersion, createdAt: instant(createdAtMs), updatedAt: instant(updatedAtMs) };
}

function versionFields({
  tenant,
  name,
  version,
  digest,
  handler,
  world,
  sizes,
  steps,
  createdAtMs,
}: FunctionVersion) {
  return {
    tenant,
    name,
    version,
    digest,
    handler,
    world,
    sizes: { ...sizes },
    steps: steps.map((step) => ({ ...step })),
    createdAt: instant(createdAtMs),
  };
}
