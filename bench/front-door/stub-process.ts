/**
 * A serving thread of the host (host/serving-thread.ts, as it is) before a guest that is not one: its "glue" is a few
 * lines of JavaScript that answer through the same WASI resources as a component does. What is left is the host's own
 * part of a request: sockets, routing, admission, accounts, timers, exchange, response.
 */
import type { ArtifactMessage } from '../../host/instance/artifact.ts';
import { HOST_LIMITS } from '../../host/limits/limits.ts';
import type { Digest } from '../../host/model/ids.ts';
import { createArtifactPool } from '../../test/harness/artifact-pool.ts';

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
    pipelineVersion: 0,
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

const pool = createArtifactPool({
  threads: 1,
  artifact,
  data: {
    connections: HOST_LIMITS.connectionsPerThread,
    rewind: 'fresh',
    idleMemoryBytes: 0,
    idleSlots: 0,
  },
  report: (message, error) => console.error(message, error),
});
console.log(`listening on ${await pool.start()}`);
process.once('SIGTERM', () => void pool.drain(1_000));
