/** A component's instance in this thread, with its core instances in view: what a slot of the pool is made of. */
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { FuelAccount } from '../../../host/instance/fuel-account.ts';
import { Guest } from '../../../host/instance/guest.ts';
import type { CoreInstance } from '../../../host/instance/rewind/core-state.ts';
import { MemoryHeadrooms } from '../../../host/instance/rewind/memory-headroom.ts';
import { SpaceAccount } from '../../../host/instance/space-account.ts';
import { METER_MODULE } from '../../../host/instrument/meter-imports.ts';
import { defaultConfiguration } from '../../../host/model/function-configuration.ts';
import { SystemClock } from '../../../host/wasi/clocks/system-clock.ts';
import type { HttpExchange, WasiContext } from '../../../host/wasi/context.ts';
import { serveHandler } from '../../../host/wasi/http/serve-handler-0.3.ts';
import { serveIncoming } from '../../../host/wasi/http/serve-incoming-0.2.ts';
import { createImports } from '../../../host/wasi/imports.ts';
import { EMPTY_SOURCE } from '../../../host/wasi/io/buffer-source.ts';
import type { ByteSink } from '../../../host/wasi/io/bytes.ts';
import { NULL_SINK } from '../../../host/wasi/io/null-sink.ts';

export interface ComponentSlot {
  readonly instances: readonly CoreInstance[];
  readonly headrooms: MemoryHeadrooms;
  /** One request; resolves with the answer's status and body. A slot answers once: its glue is not rewound. */
  get(path: string): Promise<string>;
  end(): void;
}

type Export = Record<string, (...args: unknown[]) => unknown>;

/** Instantiates the artifact's component; random bytes are the same each time, as a snapshot needs it. */
export async function componentSlot(artifact: LoadedArtifact): Promise<ComponentSlot> {
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
    signal: controller.signal,
    terminate: (code) => new Error(code),
  };
  const trapped = Promise.withResolvers<never>();
  trapped.promise.catch(() => {});
  const guest = new Guest({
    artifact,
    imports: createImports(context),
    fuel: new FuelAccount(1e12, 1e12),
    memory: new SpaceAccount(2 ** 30, 0),
    tables: new SpaceAccount(100_000, 0),
    onTrap: (error) => trapped.reject(error),
    isOver: () => false,
    yieldThread: () => Promise.resolve(),
    isAlone: () => true,
    goOn: () => undefined,
  });
  const states = new Map(
    artifact.manifest.modules.map(({ name, state }) => [artifact.modules.get(name), state]),
  );
  const instances: CoreInstance[] = [];
  const headrooms = new MemoryHeadrooms();
  const instantiate: Instantiate = (module, imports = {}) => {
    const state = states.get(module);
    // The glue has a module of its own, without state, to try out what the engine can do.
    if (state === undefined) return undefined;
    const given = headrooms.importsFor(state, imports);
    const instance = new WebAssembly.Instance(module, {
      ...imports,
      [METER_MODULE]: { ...imports[METER_MODULE], ...given },
    });
    headrooms.note(state, given, instance.exports);
    instances.push({ state, exports: instance.exports });
    return instance;
  };
  const exports = await withInstantiate(instantiate, () => guest.start());
  headrooms.grow();
  return {
    instances,
    headrooms,
    async get(path) {
      const handler = exports[artifact.manifest.exportKey] as Export;
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

/** Makes the instance, or leaves it to the engine. */
type Instantiate = (
  module: WebAssembly.Module,
  imports?: WebAssembly.Imports,
) => WebAssembly.Instance | undefined;

/** Takes the place of `new WebAssembly.Instance` while `work` runs; nothing else instantiates meanwhile. */
async function withInstantiate<T>(instantiate: Instantiate, work: () => Promise<T>): Promise<T> {
  const { Instance } = WebAssembly;
  let isOurs = false;
  const Recording = function Recording(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    if (isOurs) return new Instance(module, imports);
    isOurs = true;
    try {
      return instantiate(module, imports) ?? new Instance(module, imports);
    } finally {
      isOurs = false;
    }
  };
  WebAssembly.Instance = Recording as unknown as typeof Instance;
  try {
    return await work();
  } finally {
    WebAssembly.Instance = Instance;
  }
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
