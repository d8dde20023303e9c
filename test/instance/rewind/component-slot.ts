/** A component's instance in this thread, with its core instances in view: what a slot of the pool is made of. */
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { FuelAccount } from '../../../host/instance/fuel-account.ts';
import { Guest } from '../../../host/instance/guest.ts';
import type { CoreInstance } from '../../../host/instance/rewind/core-state.ts';
import { SpaceAccount } from '../../../host/instance/space-account.ts';
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
  const exports = await recording(
    (module, instance) => {
      // The glue has a module of its own, without state, to try out what the engine can do.
      const state = states.get(module);
      if (state !== undefined) instances.push({ state, exports: instance.exports });
    },
    () => guest.start(),
  );
  return {
    instances,
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

/** Hears of every core instance that is made while `work` runs; nothing else makes any meanwhile. */
async function recording<T>(
  onInstance: (module: WebAssembly.Module, instance: WebAssembly.Instance) => void,
  work: () => Promise<T>,
): Promise<T> {
  const { Instance } = WebAssembly;
  const Recording = function Recording(module: WebAssembly.Module, imports?: WebAssembly.Imports) {
    const instance = new Instance(module, imports);
    onInstance(module, instance);
    return instance;
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
