/** Serving threads with a function of each name, all of one artifact that is given; no registry, no publishing. */
import { tmpdir } from 'node:os';
import type { ArtifactMessage } from '../../host/instance/artifact.ts';
import { createGuestNotes } from '../../host/instance/guest-note.ts';
import {
  FUNCTION_LIMITS,
  type FunctionLimitName,
  type FunctionLimitValues,
  HOST_LIMITS,
} from '../../host/limits/limits.ts';
import { defaultConfiguration, type FunctionConfiguration } from '../../host/model/function-configuration.ts';
import { defaultTenantSettings } from '../../host/model/tenant.ts';
import { NO_TRACING } from '../../host/model/trace-sampling.ts';
import { ChangeCounters } from '../../host/worker/change-counters.ts';
import type { HostServices, WorkerData } from '../../host/worker/messages.ts';
import { WorkerPool } from '../../host/worker/worker-pool.ts';
import { OPEN_COLUMN, openQuotas } from './open-quotas.ts';

export interface ArtifactPoolOptions {
  readonly threads: number;
  readonly artifact: ArtifactMessage;
  readonly configuration?: Partial<FunctionConfiguration>;
  /** What of a thread is another than a test's. */
  readonly data?: Partial<Pick<WorkerData, 'connections' | 'rewind' | 'idleMemoryBytes' | 'idleSlots'>>;
  readonly report?: (message: string, error?: unknown) => void;
}

export function createArtifactPool({
  threads,
  artifact,
  configuration,
  data,
  report,
}: ArtifactPoolOptions): WorkerPool {
  const services = {
    async resolve({ tenant, name }) {
      return {
        tenant: { name: tenant, settings: defaultTenantSettings(), createdAtMs: 0, updatedAtMs: 0 },
        live: {
          tenant,
          name,
          generation: 0,
          version: 1,
          artifactKey: artifact.key,
          handler: artifact.manifest.handler,
          configuration: { ...defaultConfiguration(), ...configuration },
        },
        tenantColumn: OPEN_COLUMN,
        functionColumn: OPEN_COLUMN,
      };
    },
    tenant: async () => undefined,
    artifact: async () => artifact,
  } satisfies Partial<HostServices>;
  return new WorkerPool({
    threads,
    spareThreads: 0,
    entry: new URL('../../host/serving-thread.ts', import.meta.url),
    port: 0,
    data: {
      host: '127.0.0.1',
      stagingDir: tmpdir(),
      adminKey: '',
      componentBytes: HOST_LIMITS.componentBytes,
      ceilings: Object.fromEntries(
        Object.entries(FUNCTION_LIMITS).map(([name, { ceiling }]) => [name as FunctionLimitName, ceiling]),
      ) as FunctionLimitValues,
      quotaTable: openQuotas(threads),
      connections: 10,
      changes: new ChangeCounters().buffer,
      notes: createGuestNotes(threads),
      rewind: 'auto',
      idleMemoryBytes: 64 * 2 ** 20,
      idleSlots: 100,
      tracing: NO_TRACING,
      ...data,
    },
    services: services as Partial<HostServices> as HostServices,
    onLogs: () => {},
    onUsage: () => {},
    onTelemetry: () => {},
    onExit: () => {},
    onHung: () => {},
    onRelieved: () => {},
    onProcessLost: () => {},
    onProcessOverdue: () => {},
    heapBytes: HOST_LIMITS.threadHeapBytes,
    hungMs: HOST_LIMITS.threadHungMs,
    onUsed: () => {},
    recent: () => [],
    report: (message, error) => report?.(message, error),
  });
}
