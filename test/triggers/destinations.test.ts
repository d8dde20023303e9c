import { createHmac } from 'node:crypto';
import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import { QUEUE_LIMITS } from '../../host/limits/event-limits.ts';
import { defaultEventInvokeConfig } from '../../host/model/event-invoke-config.ts';
import type { Destination } from '../../host/model/event-source-mapping.ts';
import type { FunctionName, InvocationId, MessageId } from '../../host/model/ids.ts';
import { defaultQueueSettings, type QueueId } from '../../host/model/queue.ts';
import type { NewMessage, QueueMessage } from '../../host/model/queue-message.ts';
import { destinationRecord, type Outcome } from '../../host/triggers/destination-record.ts';
import { CHAIN_DEPTH, Destinations, type DestinationsPorts } from '../../host/triggers/destinations.ts';
import {
  ConsumerFixture,
  FUNCTION,
  failed,
  newMessage,
  QUEUE,
  returned,
  SETTINGS,
  TENANT,
} from './consumer-fixture.ts';
import { MemoryEngine } from './memory-engine.ts';
import { quiet, VirtualClock } from './virtual-clock.ts';

const TO_QUEUE: Destination = { type: 'queue', queue: 'orders' };
const TO_FUNCTION: Destination = { type: 'function', function: 'hello' };
const TO_WEBHOOK: Destination = { type: 'webhook', url: 'https://hooks.example/x' };
const FUNCTION_QUEUE: QueueId = { kind: 'function', tenant: TENANT, name: FUNCTION };

interface Fixture {
  readonly destinations: Destinations;
  readonly clock: VirtualClock;
  readonly engine: MemoryEngine;
  readonly posts: {
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Uint8Array;
  }[];
}

function fixture(ports: Partial<DestinationsPorts> = {}, statuses: (number | Error)[] = []): Fixture {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const posts: { url: string; headers: Readonly<Record<string, string>>; body: Uint8Array }[] = [];
  const destinations = new Destinations({
    engine,
    clock,
    random: () => 0.5,
    report: () => {},
    webhookSecret: () => undefined,
    definitions: {
      generationOf: () => 1,
      functionFacts: (_tenant, name) =>
        name === FUNCTION
          ? { timeoutMs: 1, allowedHosts: [], invokeConfig: defaultEventInvokeConfig() }
          : undefined,
      queueSettings: (_tenant, name) => (name === 'orders' ? defaultQueueSettings() : undefined),
    },
    webhooks: {
      post: async (_from, url, headers, body) => {
        posts.push({ url, headers, body });
        const status = statuses.shift() ?? 200;
        if (status instanceof Error) throw status;
        return { status };
      },
    },
    ...ports,
  });
  return { destinations, clock, engine, posts };
}

function message(body: string, more: Partial<QueueMessage> = {}): QueueMessage {
  return {
    ...newMessage(body, { contentType: 'application/json' }),
    id: '01900000-0000-7000-8000-000000000001' as MessageId,
    sentAtMs: 0,
    attempts: 2,
    ...more,
  };
}

function outcome(more: Partial<Outcome> = {}): Outcome {
  return {
    tenant: TENANT,
    generation: 1,
    name: FUNCTION,
    condition: 'Success',
    messages: [message('{"n":1}')],
    isBatch: false,
    invocationId: '01900000-0000-7000-8000-00000000000a' as InvocationId,
    answer: { contentType: 'application/json', body: Buffer.from('{"ok":true}') },
    ...more,
  };
}

const json = (bytes: Uint8Array): Record<string, Record<string, unknown>> =>
  JSON.parse(Buffer.from(bytes).toString()) as Record<string, Record<string, unknown>>;

test('the record is Lambda’s', (t) => {
  t.deepEqual(json(destinationRecord(outcome(), Date.UTC(2026, 0, 1))), {
    version: '1.0',
    timestamp: '2026-01-01T00:00:00.000Z',
    requestContext: {
      requestId: '01900000-0000-7000-8000-00000000000a',
      functionArn: 'mayfly:function:acme/hello',
      condition: 'Success',
      approximateInvokeCount: 2,
    },
    requestPayload: { n: 1 },
    responseContext: { statusCode: 200 },
    responsePayload: { ok: true },
  } as never);
  const cause = { code: 'function_trapped', detail: 'unreachable' };
  const dead = json(
    destinationRecord(
      {
        tenant: TENANT,
        generation: 1,
        name: FUNCTION,
        condition: 'RetriesExhausted',
        messages: [message('text')],
        isBatch: false,
        cause,
      },
      0,
    ),
  );
  t.like(dead, {
    requestPayload: 'text',
    responseContext: { statusCode: 200, functionError: 'function_trapped' },
    responsePayload: { errorType: 'function_trapped', errorMessage: 'unreachable' },
  } as never);
});

test('a record fits into a message, whatever the payloads: what does not is left out, and named', (t) => {
  const large = 'x'.repeat(QUEUE_LIMITS.bodyBytes - 10_000);
  const answer = { contentType: 'text/plain', body: Buffer.from(large) };
  const whole = destinationRecord(outcome({ messages: [message(JSON.stringify(large))] }), 0);
  t.is(json(whole)['requestPayload'] as unknown, large);
  const one = destinationRecord(outcome({ messages: [message(JSON.stringify(large))], answer }), 0);
  t.like(json(one), {
    requestPayload: null,
    requestContext: { payloadsLeftOut: ['requestPayload'] },
  } as never);
  t.is(json(one)['responsePayload'] as unknown, large);
  // Twice as long once it is written as JSON.
  const none = destinationRecord(
    outcome({ answer: { contentType: 'text/plain', body: Buffer.from('"'.repeat(large.length)) } }),
    0,
  );
  t.like(json(none), { requestPayload: null, responsePayload: null } as never);
  for (const record of [whole, one, none]) t.true(record.length <= QUEUE_LIMITS.bodyBytes);
});

for (const [destination, queue] of [
  [TO_QUEUE, QUEUE],
  [TO_FUNCTION, FUNCTION_QUEUE],
] as const) {
  test(`a ${destination.type} gets the record as a message, once, with the trace and one link more`, async (t) => {
    const { destinations, engine } = fixture();
    const attributes = { traceparent: '00-a', tracestate: 'b', 'mayfly-chain-depth': '3' };
    const told = outcome({ messages: [message('{}', { attributes })] });
    t.is(await destinations.send({ onSuccess: destination }, told), undefined);
    t.is(await destinations.send({ onSuccess: destination }, told), undefined);
    const { messages } = await engine.peek(queue, 'ready');
    t.is(messages.length, 1);
    t.deepEqual(messages[0]!.attributes, { traceparent: '00-a', tracestate: 'b', 'mayfly-chain-depth': '4' });
    t.like(json(messages[0]!.body), { version: '1.0' } as never);
    t.true(messages[0]!.deduplicationKey!.length <= QUEUE_LIMITS.keyLength);
  });
}

test('each outcome goes where its kind is to go, or nowhere', async (t) => {
  const { destinations, engine } = fixture();
  t.is(await destinations.send({ onFailure: TO_QUEUE }, outcome()), undefined);
  t.is(await destinations.send({ onSuccess: null }, outcome()), undefined);
  t.is((await engine.counts(QUEUE)).ready, 0);
  t.is(
    await destinations.send({ onFailure: TO_QUEUE }, outcome({ condition: 'EventAgeExceeded' })),
    undefined,
  );
  t.is((await engine.counts(QUEUE)).ready, 1);
});

test('the second death of a message that was redriven is told as well', async (t) => {
  const { destinations, engine } = fixture();
  const death = outcome({ condition: 'RetriesExhausted' });
  await destinations.send({ onFailure: TO_QUEUE }, death);
  await destinations.send({ onFailure: TO_QUEUE }, { ...death, invocationId: 'another' as InvocationId });
  t.is((await engine.counts(QUEUE)).ready, 2);
});

test('deaths of what was not run are told apart, too: of one message by two functions, and behind a redrive', async (t) => {
  const { destinations, engine } = fixture();
  const { invocationId: _, ...death } = outcome({ condition: 'EventAgeExceeded' });
  const longest = 'f'.repeat(63) as FunctionName;
  await destinations.send({ onFailure: TO_QUEUE }, death);
  await destinations.send({ onFailure: TO_QUEUE }, death);
  t.is((await engine.counts(QUEUE)).ready, 1);
  await destinations.send({ onFailure: TO_QUEUE }, { ...death, name: longest });
  t.is((await engine.counts(QUEUE)).ready, 2);
  const redriven = message('{"n":1}', { sentAtMs: 1_700_000_000_000_000, attempts: 1_001 });
  await destinations.send({ onFailure: TO_QUEUE }, { ...death, name: longest, messages: [redriven] });
  const { messages } = await engine.peek(QUEUE, 'ready');
  t.is(messages.length, 3);
  for (const { deduplicationKey } of messages) t.true(deduplicationKey!.length <= QUEUE_LIMITS.keyLength);
});

test('what ends behind its tenant is told to nobody of the next tenant of the name', async (t) => {
  const { destinations, engine } = fixture();
  for (const onSuccess of [TO_QUEUE, TO_FUNCTION]) {
    const failure = await destinations.send({ onSuccess }, outcome({ generation: 0 }));
    t.is(failure?.cause.code, 'destination_failed');
  }
  t.is((await engine.counts(QUEUE)).ready, 0);
  t.is((await engine.counts(FUNCTION_QUEUE)).ready, 0);
});

test('a destination that is not there fails at once, one that is away after some tries', async (t) => {
  let tries = 0;
  const { destinations, clock } = fixture({
    engine: {
      send: async () => {
        tries++;
        throw new MayflyError('queue_unavailable', 'away');
      },
    },
  });
  const gone = await destinations.send({ onSuccess: { type: 'queue', queue: 'gone' } }, outcome());
  t.is(gone?.cause.code, 'destination_failed');
  t.regex(gone!.cause.detail, /queue gone/);
  t.is(tries, 0);
  const away = destinations.send({ onSuccess: TO_QUEUE }, outcome());
  await clock.pass(10_000);
  t.deepEqual(await away, {
    cause: { code: 'destination_failed', detail: 'queue orders: away' },
    isFinal: false,
  });
  t.is(tries, 3);
});

test('a webhook gets a signed POST, the same id with each try', async (t) => {
  const secret = `whsec_${Buffer.from('secret').toString('base64')}`;
  const { destinations, clock, posts } = fixture({ webhookSecret: () => secret }, [
    500,
    new Error('hung up'),
    204,
  ]);
  const sent = destinations.send({ onSuccess: TO_WEBHOOK }, outcome());
  await clock.pass(10_000);
  t.is(await sent, undefined);
  t.is(posts.length, 3);
  t.is(new Set(posts.map(({ headers }) => headers['webhook-id'])).size, 1);
  for (const { url, headers, body } of posts) {
    t.is(url, 'https://hooks.example/x');
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${Buffer.from(body)}`;
    t.is(
      headers['webhook-signature'],
      `v1,${createHmac('sha256', 'secret').update(signed).digest('base64')}`,
    );
    t.false(headers['webhook-id']!.includes('.'));
  }
});

test('a webhook that is gone is not tried again, and the cause names no address', async (t) => {
  const { destinations, posts } = fixture({}, [410]);
  const untold = await destinations.send({ onSuccess: TO_WEBHOOK }, outcome());
  t.is(posts.length, 1);
  t.is(posts[0]!.headers['webhook-signature'], undefined);
  t.deepEqual(untold, {
    cause: { code: 'destination_failed', detail: 'webhook: The webhook answered 410.' },
    isFinal: false,
  });
});

test('a function that feeds itself comes to an end, with a dead letter that says why', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const { destinations } = fixture({ engine, clock });
  const loop = new ConsumerFixture({
    clock,
    engine,
    isFunctionQueue: true,
    settings: { batchSize: 1, destinations: { onSuccess: TO_FUNCTION } },
    sink: destinations,
    handler: () => returned([], 'again'),
  });
  await loop.start();
  await loop.send(['start']);
  await clock.pass(600_000);
  t.is(loop.batches.length, CHAIN_DEPTH + 1);
  const [letter] = await loop.deadLetters();
  t.is(letter?.cause.code, 'destination_loop');
  t.is(letter?.attempts, 1);
  t.is(await loop.left(), 0);
});

test('a batch that is done is told as one outcome, whose payload is its records', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  const { destinations } = fixture({ engine, clock });
  const consumer = new ConsumerFixture({
    clock,
    engine,
    settings: {
      destinations: { onSuccess: TO_FUNCTION, onFailure: TO_FUNCTION },
      retry: { ...SETTINGS.retry, maximumAttempts: 1 },
    },
    sink: destinations,
    handler: (texts) => (texts.includes('bad') ? failed() : returned([], 'sum')),
  });
  await consumer.start();
  await consumer.send(['1', '2']);
  await consumer.send(['bad']);
  await quiet();
  const records = (await engine.peek(FUNCTION_QUEUE, 'ready')).messages.map(({ body }) => json(body));
  t.is(records.length, 2);
  const [success, failure] = records as unknown as {
    requestPayload: { Records: { body: string }[] };
    requestContext: unknown;
  }[];
  t.deepEqual(
    success!.requestPayload.Records.map(({ body }) => body),
    ['1', '2'],
  );
  t.like(failure, { requestPayload: 'bad', requestContext: { condition: 'RetriesExhausted' } } as never);
});

test('what is sent to a destination carries no key of its source', async (t) => {
  let sent: readonly NewMessage[] = [];
  const { destinations } = fixture({
    engine: {
      send: async (_queue, _settings, messages) => {
        sent = messages;
        return [];
      },
    },
  });
  await destinations.send(
    { onSuccess: TO_QUEUE },
    outcome({ messages: [message('{}', { groupKey: 'g', attributes: { secret: 'x' } })] }),
  );
  t.deepEqual(sent[0]!.attributes, { 'mayfly-chain-depth': '1' });
  t.is(sent[0]!.groupKey, undefined);
  t.is(
    await destinations
      .send({ onSuccess: { type: 'function', function: 'gone' } }, outcome({ name: 'x' as FunctionName }))
      .then((failure) => failure?.isFinal),
    false,
  );
});
