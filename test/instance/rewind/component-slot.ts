/** A component's instance in this thread, with its core instances in view: what a slot of the pool is made of. */
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { FuelAccount } from '../../../host/instance/fuel-account.ts';
import { Guest } from '../../../host/instance/guest.ts';
import { linkGuest } from '../../../host/instance/linked-guest.ts';
import type { CoreInstance } from '../../../host/instance/rewind/core-state.ts';
import type { MemoryHeadrooms } from '../../../host/instance/rewind/memory-headroom.ts';
import { defaultConfiguration } from '../../../host/model/function-configuration.ts';
import { SystemClock } from '../../../host/wasi/clocks/system-clock.ts';
import type { HttpExchange, WasiContext } from '../../../host/wasi/context.ts';
import { serveHandler } from '../../../host/wasi/http/serve-handler-0.3.ts';
import { serveIncoming } from '../../../host/wasi/http/serve-incoming-0.2.ts';
import { createImports } from '../../../host/wasi/imports.ts';
import { EMPTY_SOURCE } from '../../../host/wasi/io/buffer-source.ts';
import type { ByteSink } from '../../../host/wasi/io/bytes.ts';
import { NULL_SINK } from '../../../host/wasi/io/null-sink.ts';
import { guestRun } from '../../harness/engine-ports.ts';

export interface ComponentSlot {
  readonly instances: readonly CoreInstance[];
  readonly headrooms: MemoryHeadrooms;
  /** One request; resolves with the answer's status and body. */
  get(path: string): Promise<string>;
  end(): void;
}

/** Instantiates the artifact's component; random bytes are the same each time, as a snapshot needs it. */
export function componentSlot(artifact: LoadedArtifact): ComponentSlot {
  const controller = new AbortController();
  const context: WasiContext = {
    configuration: defaultConfiguration(),
    environment: [],
    args: ['slot'],
    stdin: EMPTY_SOURCE,
    stdout: NULL_SINK,
    stderr: NULL_SINK,
    clock: new SystemClock(),
    randomBytes: (length) => new Uint8Array(length).fill(4),
    outbound: { send: () => Promise.reject(new Error('nothing is sent')) },
    end: controller.signal,
    signal: controller.signal,
    terminate: (code) => new Error(code),
  };
  const trapped = Promise.withResolvers<never>();
  trapped.promise.catch(() => {});
  if (artifact.road.kind !== 'linked') throw new Error(`not linked: ${artifact.manifest.roadReason}`);
  const guest = new Guest(
    guestRun({
      fuel: new FuelAccount(1e12, 1e12),
      onTrap: (error) => trapped.reject(error),
      yieldThread: queueMicrotask,
    }),
  );
  const imports = createImports(context);
  const { component, instances, headrooms } = linkGuest(guest, {
    plan: artifact.road.plan,
    modules: artifact.modules,
    states: artifact.states,
    imports: () => imports,
  });
  return {
    instances,
    headrooms,
    async get(path) {
      const handler = component.exports;
      const { exchange, answer } = exchangeFor(path);
      const served =
        artifact.manifest.handler === 'wasi:http/handler@0.3'
          ? serveHandler(async (request) => handler['handle']!(request), exchange, context)
          : serveIncoming(
              async (request, out) => void (await handler['handle']!(request, out)),
              exchange,
              context,
            );
      await Promise.race([served, trapped.promise]);
      return answer();
    },
    end() {
      guest.end();
      controller.abort(new Error('over'));
    },
  };
}

function exchangeFor(path: string): { exchange: HttpExchange; answer: () => string } {
  const chunks: Uint8Array[] = [];
  let status = 0;
  const sink: ByteSink = {
    ...NULL_SINK,
    write(chunk) {
      chunks.push(Uint8Array.from(chunk));
    },
  };
  const exchange: HttpExchange = {
    method: 'GET',
    scheme: 'http',
    authority: 'test',
    pathWithQuery: path,
    headers: [],
    body: EMPTY_SOURCE,
    trailers: () => Promise.resolve([]),
    respond(given) {
      status = given;
      return sink;
    },
    sendTrailers: () => {},
  };
  return { exchange, answer: () => `${status} ${Buffer.concat(chunks)}` };
}
