/**
 * A serving thread of the host (host/serving-thread.ts, as it is) before a guest that is not one: its "glue" is a few
 * lines of JavaScript that answer through the same WASI resources as a component does. What is left is the host's own
 * part of a request: sockets, routing, admission, accounts, timers, exchange, response.
 */
import { tmpdir } from 'node:os';
import type { ArtifactMessage } from '../../host/instance/artifact.ts';
import {
  FUNCTION_LIMITS,
  type FunctionLimitName,
  type FunctionLimitValues,
  HOST_LIMITS,
} from '../../host/limits.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { Digest, TenantName } from '../../host/model/ids.ts';
import { defaultTenantSettings, type Tenant } from '../../host/model/tenant.ts';
import { NO_TRACING } from '../../host/model/trace-sampling.ts';
import { ChangeCounters } from '../../host/worker/change-counters.ts';
import type { HostServices } from '../../host/worker/messages.ts';
import { WorkerPool } from '../../host/worker/worker-pool.ts';
import { OPEN_COLUMN, openQuotas } from '../../test/harness/open-quotas.ts';

/** What examples/tiny-wat does, call by call. */
const GLUE = `return (getCoreModule, imports) => {
  const { Fields, OutgoingResponse, OutgoingBody, ResponseOutparam } = imports['wasi:http/types'];
  const dispose = Symbol.dispose;
  return { handler: { async handle(request, out) {
    request[dispose]();
    const response = new OutgoingResponse(new Fields());
    const body = response.body();
    ResponseOutparam.set(out, { tag: 'ok', val: response });
    const stream = body.write();
    await stream.blockingWriteAndFlush(TEXT.slice());
    stream[dispose]();
    OutgoingBody.finish(body, undefined);
  } } };
};`;

const [text = ''] = process.argv.slice(2);
const bytes = JSON.stringify([...Buffer.from(text)]);
const KEY = 'stub';

const artifact: ArtifactMessage = {
  key: KEY,
  manifest: {
    formatVersion: 1,
    digest: `sha256:${'0'.repeat(64)}` as Digest,
    upload: 'component',
    handler: 'wasi:http/incoming-handler@0.2',
    world: 'wasi:http/incoming-handler@0.2.0',
    exportKey: 'handler',
    eventHandlers: {},
    road: 'glue',
    roadReason: 'a stub',
    planBytes: 0,
    imports: [],
    fuelModel: '',
    modules: [],
    sizes: { uploadBytes: 0, codeBytes: 0, glueBytes: 0 },
  },
  modules: [],
  plan: null,
  glue: `const TEXT = new Uint8Array(${bytes});\n${GLUE}`,
};

const asTenant = (name: TenantName): Tenant => ({
  name,
  settings: defaultTenantSettings(),
  createdAtMs: 0,
  updatedAtMs: 0,
});

const services = {
  async resolve({ tenant, name }) {
    const live = {
      tenant,
      name,
      generation: 0,
      version: 1,
      artifactKey: KEY,
      configuration: defaultConfiguration(),
    };
    return {
      tenant: asTenant(tenant),
      live: { ...live, handler: artifact.manifest.handler },
      tenantColumn: OPEN_COLUMN,
      functionColumn: OPEN_COLUMN,
    };
  },
  tenant: async () => undefined,
  artifact: async () => artifact,
} satisfies Partial<HostServices>;

const pool = new WorkerPool({
  threads: 1,
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
    quotaTable: openQuotas(1),
    connections: HOST_LIMITS.connectionsPerThread,
    changes: new ChangeCounters().buffer,
    rewind: 'fresh',
    idleMemoryBytes: 0,
    tracing: NO_TRACING,
    idleSlots: 0,
  },
  services: services as Partial<HostServices> as HostServices,
  onLogs: () => {},
  onUsage: () => {},
  onTelemetry: () => {},
  onExit: () => {},
  onRelieved: () => {},
  onProcessLost: () => {},
  onProcessOverdue: () => {},
  heapBytes: HOST_LIMITS.threadHeapBytes,
  onUsed: () => {},
  recent: () => [],
  report: (message, error) => console.error(message, error),
});
console.log(`listening on ${await pool.start()}`);
process.once('SIGTERM', () => void pool.drain(1_000));
