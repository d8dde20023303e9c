/** `queue` and `scheduled` of the SDK, in the host's own engine. */
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { buildHandler } from '../../guest-sdk/build/handler.ts';
import type { LoadedArtifact } from '../../host/instance/artifact.ts';
import type { EventOutcome } from '../../host/model/event-invocation.ts';
import type { QueueMessage } from '../../host/model/queue-message.ts';
import { artifactOf } from '../harness/artifact.ts';
import { DUE_AT_MS, EventServing, event, message, TRACEPARENT, tick } from '../harness/event-serving.ts';

let linked: LoadedArtifact;
let glued: LoadedArtifact;

test.before(async () => {
  const entry = fileURLToPath(new URL('./guests/events.ts', import.meta.url));
  const { component, handlers } = await buildHandler(entry);
  if (handlers.join() !== 'fetch,queue,scheduled') throw new Error(`built with ${handlers.join()}`);
  linked = await artifactOf(component);
  glued = await artifactOf(component, 'glue');
});

const ROADS: readonly (readonly [string, () => LoadedArtifact])[] = [
  ['linked', () => linked],
  ['glue', () => glued],
];

function tasks(...bodies: readonly object[]): QueueMessage[] {
  return bodies.map((body, i) => message(`m${i}`, JSON.stringify(body), { contentType: 'application/json' }));
}

function serve(artifact: LoadedArtifact): EventServing {
  return new EventServing(artifact, { configuration: { environment: { NAME: 'Ada' } } });
}

async function run(serving: EventServing, ...bodies: readonly object[]): Promise<EventOutcome> {
  return serving.deliver({ kind: 'batch', source: 'orders', messages: tasks(...bodies) });
}

function failuresOf(outcome: EventOutcome): unknown {
  return outcome.kind === 'returned' ? outcome.failures : outcome;
}

for (const [road, artifact] of ROADS) {
  test(`${road}: messages are done unless the handler asks for them again; its first word on each holds`, async (t) => {
    using serving = serve(artifact());
    const outcome = await run(serving, {}, { do: 'ack' }, { do: 'retry' }, { do: 'retry', reason: 'so' });
    t.deepEqual(failuresOf(outcome), [
      { id: 'm2', detail: 'the handler asked for another attempt' },
      { id: 'm3', detail: 'so' },
    ]);
    t.deepEqual(serving.log, ['orders: 4, for Ada']);
  });

  test(`${road}: a handler that throws fails the batch, but for what it has acknowledged`, async (t) => {
    using serving = serve(artifact());
    t.like(await run(serving, {}, { do: 'throw' }), {
      kind: 'failed',
      cause: { code: 'event_failed', detail: 'Error: cannot go on' },
    });
    t.deepEqual(failuresOf(await run(serving, { do: 'ack' }, { do: 'throw' }, {})), [
      { id: 'm1', detail: 'Error: cannot go on' },
      { id: 'm2', detail: 'Error: cannot go on' },
    ]);
    t.like(await run(serving, { do: 'reject-later' }), {
      kind: 'failed',
      cause: { detail: 'TypeError: later' },
    });
  });

  test(`${road}: every field of a message arrives`, async (t) => {
    using serving = serve(artifact());
    const rest = {
      attempts: 3,
      groupKey: 'grüße',
      contentType: 'application/json',
      attributes: { 'ce-type': 'x', traceparent: TRACEPARENT },
    };
    const messages = [message('m0', '{"do":"tell"}', rest)];
    const outcome = await serving.deliver({ kind: 'batch', source: 'orders', messages });
    const [failure] = outcome.kind === 'returned' ? outcome.failures : [];
    t.deepEqual(JSON.parse(failure?.detail ?? '{}'), {
      id: 'm0',
      sent: '2023-11-14T22:13:20.000Z',
      ...rest,
      body: { do: 'tell' },
    });
  });

  test(`${road}: a tick comes to \`scheduled\``, async (t) => {
    using serving = serve(artifact());
    t.like(await serving.deliver(tick('{"a":1}', { contentType: 'application/json' })), { kind: 'returned' });
    const [first, ...others] = serving.log;
    t.deepEqual(JSON.parse(first ?? ''), {
      type: 'scheduled',
      id: 't0',
      attempts: 1,
      schedule: 'nightly',
      scheduledTime: DUE_AT_MS,
      cron: '0 3 * * *',
      body: { a: 1 },
    });
    t.deepEqual(others, ['settled']);
    t.like(await serving.deliver(tick('throw')), {
      kind: 'failed',
      cause: { code: 'event_failed', detail: 'RangeError: not tonight' },
    });
  });
}

test('a body is JSON, text or bytes by its type', async (t) => {
  using serving = serve(linked);
  const messages = [
    message('text', 'grüße', { contentType: 'text/plain' }),
    message('bytes', Uint8Array.of(1, 2, 255), { contentType: 'image/png' }),
  ];
  const outcome = await serving.deliver({ kind: 'batch', source: 'orders', messages });
  t.deepEqual(failuresOf(outcome), [
    { id: 'text', detail: 'string grüße' },
    { id: 'bytes', detail: 'Uint8Array 1,2,255 true' },
  ]);
});

test('what is said of one message wins over what is said of all, and a body that is no JSON fails the batch', async (t) => {
  using serving = serve(linked);
  t.deepEqual(failuresOf(await run(serving, { do: 'retry-all' }, { do: 'ack' }, { do: 'ack-all' })), [
    { id: 'm0', detail: 'all of them' },
    { id: 'm2', detail: 'all of them' },
  ]);
  t.deepEqual(failuresOf(await run(serving, { do: 'ack-all' }, { do: 'throw' })), []);
  const messages = [message('m0', '{', { contentType: 'application/json' })];
  t.like(await serving.deliver({ kind: 'batch', source: 'orders', messages }), { kind: 'failed' });
});

test('a handler that waits for what never comes has failed', async (t) => {
  using serving = serve(linked);
  t.like(await run(serving, { do: 'hang' }), { kind: 'failed', cause: { code: 'function_trapped' } });
});

test('a single event comes to `fetch` as a request, with its key and its trace', async (t) => {
  using serving = serve(linked);
  const attributes = { 'ce-type': 'order', tracestate: 'a=b', other: 'not passed on' };
  const outcome = await serving.deliver(event('grüße', { attempts: 2, attributes }), TRACEPARENT);
  if (outcome.kind !== 'returned') return t.fail(JSON.stringify(outcome));
  t.is(outcome.answer?.contentType, 'application/json');
  const { method, path, headers, text } = JSON.parse(Buffer.from(outcome.answer!.body).toString());
  t.deepEqual([method, path, text], ['POST', '/', 'grüße']);
  t.deepEqual(Object.fromEntries(headers), {
    'ce-type': 'order',
    'content-length': '7',
    'content-type': 'application/octet-stream',
    'mayfly-attempt': '2',
    'mayfly-idempotency-key': 'e0',
    'mayfly-trigger': 'event',
    traceparent: TRACEPARENT,
    tracestate: 'a=b',
  });
});

test('an event that is answered with a status of 400 or more has failed', async (t) => {
  using serving = serve(linked);
  for (const status of [200, 201, 303, 399])
    t.like(await serving.deliver(event(`answer ${status}`)), { kind: 'returned', failures: [] });
  for (const status of [400, 404, 429, 500, 599]) {
    t.like(await serving.deliver(event(`answer ${status}`)), {
      kind: 'failed',
      cause: { code: 'event_failed', detail: `The function answered ${status}.` },
      isRetryable: true,
    });
  }
});

test('an event takes the same fuel in a rewound instance as in a fresh one', async (t) => {
  using rewound = serve(linked);
  using fresh = new EventServing(linked, { road: 'fresh', configuration: { environment: { NAME: 'Ada' } } });
  const fuelOf = async (serving: EventServing, body: object): Promise<number> => {
    const outcome = await run(serving, body, {});
    await serving.idle();
    return outcome.kind === 'refused' ? Number.NaN : outcome.fuel;
  };
  for (const body of [{}, { do: 'retry' }, { do: 'throw' }, {}, { do: 'reject-later' }, {}])
    t.is(await fuelOf(rewound, body), await fuelOf(fresh, body), JSON.stringify(body));
});
