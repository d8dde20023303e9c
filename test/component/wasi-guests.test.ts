/**
 * Guests of WASI 0.2, through the engine: the same answer on our linker as on jco's glue, for the same fuel but for what
 * guests do with the numbers of their handles, which jco counts for each resource type by itself.
 */
import { createHash } from 'node:crypto';
import test from 'ava';
import { RunningInvocation } from '../../host/instance/engine.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import { HOST_CALL_KINDS } from '../../host/model/host-call-kind.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';
import { artifactOf } from '../harness/artifact.ts';
import { enginePorts } from '../harness/engine-ports.ts';
import { cCommand, ECHO, exampleComponent } from '../harness/guests.ts';
import { createSlots } from '../harness/slots.ts';
import { echoGuest } from '../harness/wat-guests.ts';
import { type ExchangeOptions, TestExchange } from '../wasi/http/support/exchange.ts';

type Artifact = Awaited<ReturnType<typeof artifactOf>>;

interface Answer {
  readonly fuel: number;
  readonly failure: string | undefined;
  /** Host calls by kind, where there were any. */
  readonly hostCalls: Readonly<Record<string, number>>;
  /** All of them, as they are counted otherwise. */
  readonly totalCalls: number;
  readonly log: readonly string[];
  readonly status: number | undefined;
  readonly headers: readonly string[];
  readonly trailers: readonly string[];
  /** Digest of the body. */
  readonly body: string;
}

const slots = createSlots();

async function answerOf(artifact: Artifact, request: ExchangeOptions): Promise<Answer> {
  const exchange = new TestExchange(request);
  const log: string[] = [];
  const invocation = new RunningInvocation(
    {
      invocationId: 'test' as InvocationId,
      live: {
        tenant: 'test' as TenantName,
        name: 'test' as FunctionName,
        generation: 0,
        version: 1,
        artifactKey: artifact.key,
        handler: artifact.manifest.handler,
        configuration: defaultConfiguration(),
      },
      artifact,
      exchange,
      trigger: 'http',
      scriptName: '',
      outbound: { send: () => Promise.reject(new Error('nothing is sent')) },
    },
    enginePorts({ log: ({ message }) => void log.push(message), slots }),
  );
  const text = exchange.text();
  const { failure, fuel, hostCalls, immediateCalls, waitingCalls } = await invocation.done;
  const { status, responseHeaders, responseTrailers } = exchange;
  return {
    fuel,
    failure: failure?.code,
    hostCalls: Object.fromEntries(
      HOST_CALL_KINDS.map((kind, i) => [kind, hostCalls[i]!] as const).filter(([, count]) => count > 0),
    ),
    totalCalls: immediateCalls + waitingCalls,
    log,
    status,
    headers: responseHeaders,
    trailers: responseTrailers,
    body: createHash('sha256')
      .update(await text)
      .digest('hex'),
  };
}

const LONG = 'a mayfly lives for a day '.repeat(10_000);

const GUESTS: Readonly<
  Record<string, readonly [build: () => Promise<Uint8Array>, requests: readonly ExchangeOptions[]]>
> = {
  'an HTTP guest of 0.2.0': [
    () => echoGuest('0.2.0'),
    [{ path: '/200' }, { method: 'POST', path: '/404', headers: { 'x-a': '1' }, body: LONG }],
  ],
  'an HTTP guest of 0.2.12': [() => echoGuest('0.2.12'), [{ path: '/200t' }, { path: '/', body: 'text' }]],
  'a command that copies its input': [() => cCommand(ECHO), [{}, { method: 'POST', body: LONG }]],
  'the smallest example': [() => exampleComponent('tiny-wat'), [{}]],
  'the example in C': [() => exampleComponent('word-count-c'), [{ method: 'POST', body: LONG }]],
};

/** What each calls functions of. */
const KINDS: Readonly<Record<string, readonly string[]>> = {
  'an HTTP guest of 0.2.0': ['component', 'http', 'io'],
  'an HTTP guest of 0.2.12': ['component', 'http', 'io'],
  'a command that copies its input': ['cli', 'filesystem', 'io'],
  'the smallest example': ['component', 'http', 'io'],
  'the example in C': ['cli', 'filesystem', 'io'],
};
const BY_HAND = 'the smallest example';

for (const [name, [build, requests]] of Object.entries(GUESTS)) {
  test(`${name} answers the same on both roads`, async (t) => {
    const upload = await build();
    const linked = await artifactOf(upload);
    t.is(linked.road.kind, 'linked', linked.manifest.roadReason ?? '');
    const glued = await artifactOf(upload, 'glue');
    for (const request of requests) {
      const { fuel, hostCalls, ...own } = await answerOf(linked, request);
      const { fuel: gluedFuel, hostCalls: gluedCalls, ...jcos } = await answerOf(glued, request);
      t.is(own.failure, undefined);
      t.deepEqual(own, jcos, request.path);
      t.deepEqual(Object.keys(hostCalls), KINDS[name]);
      // The glue knows what a function is by the name of the core import, which a component written by hand chooses itself.
      t.deepEqual(gluedCalls, name === BY_HAND ? { other: own.totalCalls } : hostCalls);
      t.is(
        Object.values(hostCalls).reduce((sum, count) => sum + count, 0),
        own.totalCalls,
      );
      t.true(Math.abs(fuel - gluedFuel) <= fuel / 1_000, `${fuel} and ${gluedFuel} units of fuel`);
    }
  });
}
