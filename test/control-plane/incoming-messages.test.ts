import test from 'ava';
import { readMessage, readMessages } from '../../host/control-plane/incoming-messages.ts';
import { MayflyError } from '../../host/errors/errors.ts';
import { QUEUE_LIMITS } from '../../host/limits/event-limits.ts';
import { MESSAGE_BATCH, type NewMessage } from '../../host/model/queue-message.ts';

const NOW_MS = 1_000_000;

function requestOf(body: string | Uint8Array, headers: Record<string, string> = {}): Request {
  return new Request('http://test/', { method: 'POST', body, headers });
}

function read(body: string | Uint8Array, headers: Record<string, string> = {}): Promise<NewMessage[]> {
  return readMessages(requestOf(body, headers), NOW_MS);
}

function json(body: unknown, type: string): Promise<NewMessage[]> {
  return read(JSON.stringify(body), { 'content-type': type });
}

const textOf = ({ body }: NewMessage): string => Buffer.from(body).toString();

async function codeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (error instanceof MayflyError) return error.code;
    throw error;
  }
  return 'none';
}

test('a body of any type is one message, and headers say the rest', async (t) => {
  const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const bytes = Uint8Array.of(0, 255, 1);
  const [message] = await read(bytes, {
    'content-type': 'image/png',
    'mayfly-delay-ms': '5000',
    'mayfly-deduplication-key': 'once',
    'mayfly-group-key': 'customer 7',
    'mayfly-attribute-color': 'red',
    traceparent: trace,
    tracestate: 'a=b',
    authorization: 'Bearer secret',
  });
  t.deepEqual([...message!.body], [...bytes]);
  t.deepEqual({ ...message, body: undefined }, {
    body: undefined,
    contentType: 'image/png',
    attributes: { color: 'red', traceparent: trace, tracestate: 'a=b' },
    deliverAtMs: NOW_MS + 5_000,
    deduplicationKey: 'once',
    groupKey: 'customer 7',
  } as never);
  const [bare] = await readMessages(new Request('http://test/', { method: 'POST' }), NOW_MS);
  t.deepEqual({ ...bare, body: bare!.body.length }, {
    body: 0,
    contentType: 'application/octet-stream',
    attributes: {},
  } as never);
});

test('a CloudEvent is the same message in binary, structured and batched form', async (t) => {
  const context = {
    specversion: '1.0',
    id: 'ä 1',
    source: '/shop',
    type: 'order.placed',
    partitionkey: 'c7',
  };
  const data = { total: 12.5, items: ['ü'] };
  const [binary] = await read(JSON.stringify(data), {
    'content-type': 'application/json',
    ...Object.fromEntries(
      Object.entries(context).map(([name, value]) => [`ce-${name}`, encodeURIComponent(value)]),
    ),
  });
  const [structured] = await json({ ...context, data }, 'application/cloudevents+json; charset=utf-8');
  const batch = await json([{ ...context, data }], 'application/cloudevents-batch+json');
  t.is(textOf(structured!), JSON.stringify(data));
  t.deepEqual({ ...structured, body: textOf(structured!) }, { ...binary, body: textOf(binary!) } as never);
  t.deepEqual(batch, [structured!]);
  t.is(structured?.attributes['ce-id'], 'ä 1');
  t.is(structured?.attributes['ce-type'], 'order.placed');
  t.is(structured?.groupKey, 'c7');
  // Source and id together name an event, and no two pairs make one key.
  const keyOf = async (source: string, id: string): Promise<string | undefined> =>
    (await json({ ...context, source, id }, 'application/cloudevents+json'))[0]?.deduplicationKey;
  t.is(await keyOf('/shop', 'ä 1'), structured?.deduplicationKey);
  t.not(await keyOf('/shop1', '1'), await keyOf('/shop', '11'));
  t.not(await keyOf('/a","b', 'c'), await keyOf('/a', 'b","c'));
});

test('what the sender says of a CloudEvent in headers wins over what is in it', async (t) => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', partitionkey: 'p' };
  const [message] = await read(JSON.stringify(event), {
    'content-type': 'application/cloudevents+json',
    'mayfly-deduplication-key': 'mine',
    'mayfly-group-key': 'group',
  });
  t.is(message?.deduplicationKey, 'mine');
  t.is(message?.groupKey, 'group');
});

test('data of a CloudEvent is JSON, text or bytes, as its type says', async (t) => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' };
  const bodyOf = async (members: object): Promise<string> =>
    textOf((await json({ ...event, ...members }, 'application/cloudevents+json'))[0]!);
  t.is(await bodyOf({ data: 'x' }), '"x"');
  t.is(await bodyOf({ data: 'x', datacontenttype: 'text/plain' }), 'x');
  t.is(await bodyOf({ data: null }), 'null');
  t.is(await bodyOf({ data_base64: 'AGE=', datacontenttype: 'a/b' }), '\0a');
  t.is(await bodyOf({ data: { a: 1 }, datacontenttype: 'application/vnd.x+json' }), '{"a":1}');
  t.is(await bodyOf({}), '');
});

test('a batch of our own says for each message what it is', async (t) => {
  const messages = await json(
    {
      messages: [
        { body: 'text', groupKey: 'g', delayMs: 10, attributes: { a: 'b' } },
        { bodyBase64: 'AAE=' },
        { json: { a: null }, deduplicationKey: 'd' },
        { json: null, contentType: 'application/x+json' },
      ],
    },
    MESSAGE_BATCH,
  );
  t.deepEqual(
    messages.map((message) => ({ ...message, body: textOf(message) })),
    [
      {
        body: 'text',
        contentType: 'text/plain; charset=utf-8',
        attributes: { a: 'b' },
        deliverAtMs: NOW_MS + 10,
        groupKey: 'g',
      },
      { body: '\0\u0001', contentType: 'application/octet-stream', attributes: {} },
      { body: '{"a":null}', contentType: 'application/json', attributes: {}, deduplicationKey: 'd' },
      { body: 'null', contentType: 'application/x+json', attributes: {} },
    ] as never,
  );
});

test('one message that is not valid refuses all, and says which', async (t) => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' };
  const events = 'application/cloudevents-batch+json';
  const wrong: [code: string, request: () => Promise<unknown>][] = [
    ['message_invalid', () => read('x', { 'mayfly-delay-ms': '-1' })],
    ['message_invalid', () => read('x', { 'mayfly-delay-ms': '1e3' })],
    ['message_invalid', () => read('x', { 'mayfly-delay-ms': String(QUEUE_LIMITS.delayMs + 1) })],
    ['message_invalid', () => read('x', { 'mayfly-group-key': 'x'.repeat(129) })],
    ['message_invalid', () => read('x', { 'mayfly-deduplication-key': '' })],
    ['message_invalid', () => read('x', { 'mayfly-attribute-mayfly-x': '1' })],
    ['message_invalid', () => read('x', { 'mayfly-attribute-$': '1' })],
    ['message_too_large', () => read('x', { 'mayfly-attribute-a': 'x'.repeat(17_000) })],
    ['message_invalid', () => read('x', { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-type': 't' })],
    [
      'message_invalid',
      () => read('x', { 'ce-specversion': '0.3', 'ce-id': '1', 'ce-type': 't', 'ce-source': 's' }),
    ],
    [
      'message_invalid',
      () => read('x', { 'ce-specversion': '1.0', 'ce-id': '%', 'ce-type': 't', 'ce-source': 's' }),
    ],
    ['message_invalid', () => json([event, { ...event, id: '' }], events)],
    ['message_invalid', () => json([event, { ...event, nested: {} }], events)],
    ['message_invalid', () => json([event, { ...event, data: 1, data_base64: '' }], events)],
    ['message_invalid', () => json([event, { ...event, data_base64: '!' }], events)],
    ['message_invalid', () => json([], events)],
    ['message_invalid', () => json(event, events)],
    ['message_invalid', () => json([event], 'application/cloudevents+json')],
    ['invalid_request', () => read('[', { 'content-type': events })],
    ['invalid_request', () => json({ messages: [] }, MESSAGE_BATCH)],
    ['invalid_request', () => json({ messages: Array(1_001).fill({ body: '' }) }, MESSAGE_BATCH)],
    ['invalid_request', () => json({ messages: [{ body: '', dely: 1 }] }, MESSAGE_BATCH)],
    ['message_invalid', () => json({ messages: [{ body: '', json: 1 }] }, MESSAGE_BATCH)],
    ['message_invalid', () => json({ messages: [{}] }, MESSAGE_BATCH)],
    [
      'message_invalid',
      () => read('{"messages":[{"body":""}]}', { 'content-type': MESSAGE_BATCH, 'mayfly-group-key': 'g' }),
    ],
  ];
  for (const [index, [code, request]] of wrong.entries()) t.is(await codeOf(request()), code, `${index}`);
  const error = await t.throwsAsync(json([event, { ...event, type: 1, id: null }], events));
  t.is((error as MayflyError).field, 'messages.1');
});

test('no more is read than a message, or all of them together, may have', async (t) => {
  const largest = new Uint8Array(QUEUE_LIMITS.bodyBytes);
  t.is((await read(largest))[0]?.body.length, QUEUE_LIMITS.bodyBytes);
  t.is(await codeOf(read(new Uint8Array(QUEUE_LIMITS.bodyBytes + 1))), 'message_too_large');
  const half = 'x'.repeat(QUEUE_LIMITS.bodyBytes);
  t.is(await codeOf(json({ messages: Array(8).fill({ body: half }) }, MESSAGE_BATCH)), 'none');
  t.is(await codeOf(json({ messages: Array(9).fill({ body: half }) }, MESSAGE_BATCH)), 'message_too_large');
  t.is(await codeOf(json({ messages: [{ body: `${half}x` }] }, MESSAGE_BATCH)), 'message_too_large');
  let pulled = 0;
  const endless = new ReadableStream<Uint8Array>({
    pull(controller) {
      pulled += 65_536;
      controller.enqueue(new Uint8Array(65_536));
    },
  });
  const request = new Request('http://test/', {
    method: 'POST',
    body: endless,
    duplex: 'half',
  } as RequestInit);
  t.is(await codeOf(readMessage(request, NOW_MS)), 'message_too_large');
  t.true(pulled < 2 * QUEUE_LIMITS.bodyBytes);
});
