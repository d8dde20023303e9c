/**
 * A process that parks many guests and says what memory that takes: `node parked-memory.ts GUEST COUNT`, JSON on
 * standard output. A process of its own, since memory is given back late and in part.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { LoadedArtifact } from '../../host/instance/artifact.ts';
import { RunningInvocation } from '../../host/instance/engine.ts';
import { FUNCTION_LIMITS } from '../../host/limits/limits.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';
import type { HttpExchange } from '../../host/wasi/context.ts';
import { EMPTY_SOURCE } from '../../host/wasi/io/buffer-source.ts';
import { NULL_SINK } from '../../host/wasi/io/null-sink.ts';
import { enginePorts } from '../../test/harness/engine-ports.ts';
import { createSlots } from '../../test/harness/slots.ts';
import { type GuestName, publish } from './guests.ts';

export interface ParkedMemory {
  readonly guests: number;
  readonly rssBytes: number;
  readonly heapBytes: number;
}

/** A request without contents whose answer nobody reads. */
function exchange(): HttpExchange {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'bench',
    pathWithQuery: '/',
    headers: [],
    body: EMPTY_SOURCE,
    trailers: () => Promise.resolve([]),
    respond: () => NULL_SINK,
    sendTrailers: () => {},
  };
}

async function park(name: GuestName, count: number): Promise<ParkedMemory> {
  const artifact = new LoadedArtifact(await publish(name));
  const parked: unknown[] = [];
  const ports = enginePorts({
    park: (_tenant, _fuel, resume) => void parked.push(resume),
    slots: createSlots(),
  });
  const configuration = { ...defaultConfiguration(), timeoutMs: FUNCTION_LIMITS.timeoutMs.ceiling };
  const { handler } = artifact.manifest;
  const invoke = async (index: number): Promise<void> => {
    const invocation = new RunningInvocation(
      {
        invocationId: `invocation-${index}` as InvocationId,
        live: {
          tenant: 'bench' as TenantName,
          name: name as string as FunctionName,
          generation: 0,
          version: 1,
          artifactKey: name,
          handler,
          configuration,
        },
        artifact,
        exchange: exchange(),
        trigger: 'http',
        scriptName: '',
        outbound: { send: () => Promise.reject(new Error('nothing is sent')) },
      },
      ports,
    );
    parked.push(invocation);
    void invocation.done.then(({ failure }) => {
      throw new Error(`a guest that should be parked has ended: ${failure?.detail ?? 'it returned'}`);
    });
    // Until it is parked.
    await new Promise((resolve) => setImmediate(resolve));
  };
  // Code, caches and the first pages of everything are no guest's.
  for (let i = 0; i < 20; i++) await invoke(i);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage();
  for (let i = 0; i < count; i++) await invoke(20 + i);
  // As it is, without a collection: what the guests leave lying about takes memory, too.
  const { rss } = process.memoryUsage();
  collect();
  const { heapUsed } = process.memoryUsage();
  return { guests: count, rssBytes: rss - before.rss, heapBytes: heapUsed - before.heapUsed };
}

const [name, count] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await park(name as GuestName, Number(count))));
process.exit();
