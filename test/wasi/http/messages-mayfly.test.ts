import test from 'ava';
import { MayflyError } from '../../../host/errors/errors.ts';
import { STREAM_BUFFER_BYTES } from '../../../host/limits/limits.ts';
import type { WasiContext } from '../../../host/wasi/context.ts';
import { FieldMap } from '../../../host/wasi/http/fields.ts';
import { Fields } from '../../../host/wasi/http/fields-0.3.ts';
import { createMessages, FIELD_COST } from '../../../host/wasi/http/messages-mayfly.ts';
import { Request } from '../../../host/wasi/http/request-0.3.ts';
import { Response } from '../../../host/wasi/http/response-0.3.ts';
import { serveHandler } from '../../../host/wasi/http/serve-handler-0.3.ts';
import type { GuestStream } from '../../../host/wasi/io/async-streams.ts';
import { createTestContext } from './support/context.ts';
import { type ExchangeOptions, TestExchange } from './support/exchange.ts';

const resolved = Promise.resolve({ tag: 'ok', val: undefined } as const);

function fieldsOf(response: Response | undefined): string[] {
  return FieldMap.toList(Response.partsOf(response!).headers).map(
    ([name, value]) => `${name}: ${Buffer.from(value).toString('latin1')}`,
  );
}

async function answered(
  response: Response | undefined,
  options?: ExchangeOptions,
): Promise<{ status: number | undefined; headers: string[]; text: string }> {
  const exchange = new TestExchange(options);
  const text = readAll(exchange);
  // A response that is broken off fails here, too; who serves it says why.
  text.catch(() => {});
  await serveHandler(() => Promise.resolve(response), exchange, createTestContext());
  return { status: exchange.status, headers: exchange.responseHeaders, text: await text };
}

async function readAll({ response: { source } }: TestExchange): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = source.read(1 << 20);
    if (chunk === 'end') return Buffer.concat(chunks).toString();
    if (chunk.length === 0) await source.ready();
    else chunks.push(chunk);
  }
}

test('text goes out as UTF-8, with its fields and its length', async (t) => {
  const { textResponse } = createMessages(createTestContext());
  const response = textResponse(201, 'content-type\ntext/plain\nX-Caf\u0065\ncaf\u00e9\n', 'gr\u00fc\u00dfe');
  t.deepEqual(await answered(response), {
    status: 201,
    headers: ['content-type: text/plain', 'X-Cafe: caf\u00e9', 'content-length: 7'],
    text: 'gr\u00fc\u00dfe',
  });
});

test('bytes, an empty body and none differ', async (t) => {
  const { bytesResponse } = createMessages(createTestContext());
  const ofThree = await answered(bytesResponse(200, '', Buffer.from('abc')));
  t.deepEqual(ofThree, { status: 200, headers: ['content-length: 3'], text: 'abc' });
  const empty = await answered(bytesResponse(200, '', new Uint8Array(0)));
  t.deepEqual(empty, { status: 200, headers: ['content-length: 0'], text: '' });
  t.deepEqual(await answered(bytesResponse(204, '', undefined)), { status: 204, headers: [], text: '' });
});

test('fields that the SDK gives most are those that any other text makes', async (t) => {
  const { textResponse } = createMessages(createTestContext());
  for (const type of ['text/plain;charset=UTF-8', 'application/json']) {
    // A second field takes the long way.
    const [usual, other] = ['', 'x-a\nb\n'].map((more) =>
      Response.partsOf(textResponse(200, `content-type\n${type}\n${more}`, 'abc')!),
    );
    const list = FieldMap.toList(other!.headers).filter(([name]) => name !== 'x-a');
    t.deepEqual(FieldMap.toList(usual!.headers), list);
    t.is(FieldMap.contentLength(usual!.headers), 3);
  }
});

test('a length that the host has declared is looked for again behind another field', (t) => {
  const fields = new Fields();
  FieldMap.declareLength(fields, 3);
  t.is(FieldMap.contentLength(fields), 3);
  fields.append('Content-Length', Buffer.from('4'));
  t.is(FieldMap.contentLength(fields), 'invalid');
  fields.delete('content-length');
  t.is(FieldMap.contentLength(fields), undefined);
  FieldMap.declareLength(fields, 5);
  FieldMap.declareLength(fields, 6);
  t.is(FieldMap.contentLength(fields), 5);
});

test('a length that the guest gives is held against the body', async (t) => {
  const { textResponse } = createMessages(createTestContext());
  const right = await answered(textResponse(200, 'Content-Length\n3\n', 'abc'));
  t.deepEqual(right.headers, ['Content-Length: 3']);
  for (const wrong of ['2', '4', 'x', '3\ncontent-length\n4']) {
    const error = await t.throwsAsync(answered(textResponse(200, `content-length\n${wrong}\n`, 'abc')));
    t.is((error as MayflyError).code, 'response_invalid', wrong);
  }
  t.is((await answered(textResponse(200, 'content-length\n10\n', ''), { method: 'HEAD' })).text, '');
});

test('a body that is larger than its reader takes at once waits for it', async (t) => {
  const { textResponse } = createMessages(createTestContext());
  const text = 'x'.repeat(STREAM_BUFFER_BYTES);
  const exchange = new TestExchange();
  const { sink, source } = exchange.response;
  // What is there already leaves less room than the body needs.
  sink.write(Buffer.from('before '));
  const served = serveHandler(
    () => Promise.resolve(textResponse(200, '', text)),
    exchange,
    createTestContext(),
  );
  const all = await readAll(exchange);
  await served;
  t.is(all, `before ${text}`);
  t.true(source.isReady());
});

test('the guest is told nothing where wasi:http would refuse', (t) => {
  const { textResponse, bytesResponse } = createMessages(createTestContext());
  for (const status of [100, 199, 1000]) t.is(textResponse(status, '', ''), undefined, `${status}`);
  for (const fields of [
    'connection\nclose\n',
    'Host\nexample\n',
    'two words\nx\n',
    'a\nx\ry\n',
    'a\n\0\n',
    // Would be an A if only its low byte were looked at.
    'a\n\u0141\n',
    'a\u0100\nx\n',
    'a\nb',
    'a\nb\nc\n',
    'a',
    '\n\n',
    `a\n${'x'.repeat(2 ** 20)}\n`,
    'a\nb\n'.repeat(2_001),
  ])
    t.is(textResponse(200, fields, ''), undefined, JSON.stringify(fields.slice(0, 20)));
  t.not(bytesResponse(200, '', new Uint8Array(STREAM_BUFFER_BYTES)), undefined);
  t.is(bytesResponse(200, '', new Uint8Array(STREAM_BUFFER_BYTES + 1)), undefined);
  t.is(textResponse(200, '', '\u00e9'.repeat(STREAM_BUFFER_BYTES / 2 + 1)), undefined);
});

test('responses that are made and not sent end the invocation before they fill the memory', (t) => {
  const ended: string[] = [];
  const context: WasiContext = {
    ...createTestContext(),
    terminate: (code, detail) => {
      ended.push(code);
      return new MayflyError(code, detail);
    },
  };
  const { bytesResponse } = createMessages(context);
  const body = new Uint8Array(STREAM_BUFFER_BYTES);
  let made = 0;
  t.throws(() => {
    for (; made < 2_000; made++) bytesResponse(200, '', body);
  });
  t.deepEqual(ended, ['function_trapped']);
  t.true(made > 900 && made <= 1_024, `${made}`);
});

test('line and fields of a request are those that its functions give', (t) => {
  let fuel = 0;
  const context: WasiContext = { ...createTestContext(), chargeFuel: (units) => (fuel += units) };
  const { requestLine, requestFields } = createMessages(context);
  const headers = { 'X-One': '1', host: 'functions.example', 'x-two': 'caf\u00e9' };
  const request = Request.incoming(new TestExchange({ method: 'PURGE', path: '/a?b=c d', headers }), context);
  t.is(requestLine(request), 'PURGE http://functions.example/a?b=c d');
  // `host` is none of the fields that a guest sees (fields.ts).
  t.is(requestFields(request), 'x-one\n1\nx-two\ncaf\u00e9\n');
  t.is(fuel, 2 * FIELD_COST);
  const [own] = Request.new(request.getHeaders(), undefined, resolved, undefined);
  t.is(requestLine(own), 'GET http://localhost/');
});

test('a guest may read the body of a response that it made at once', async (t) => {
  const response = createMessages(createTestContext()).textResponse(200, '', 'abc')!;
  t.deepEqual(fieldsOf(response), ['content-length: 3']);
  const [stream, trailers] = Response.consumeBody(response, resolved);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  t.is(Buffer.concat(chunks).toString(), 'abc');
  t.deepEqual(await trailers, { tag: 'ok', val: undefined });
  t.throws(() => Response.consumeBody(response, resolved), { message: /has been consumed/ });
});

test('a body that is there is also a stream', async (t) => {
  const response = createMessages(createTestContext()).textResponse(200, '', 'abcdef')!;
  const stream = Response.partsOf(response).body.send().stream as GuestStream;
  t.deepEqual(await stream.read({ count: 4 }), { value: Buffer.from('abcd'), done: false });
  t.deepEqual(await stream.read({ count: 4 }), { value: Buffer.from('ef'), done: true });
});

test('text that no fields could be of is not cut into lines: of 128 MiB of them the engine ends the process', (t) => {
  const { textResponse } = createMessages(createTestContext());
  t.is(textResponse(200, '\n'.repeat(2 ** 27), ''), undefined);
  const value = 'v'.repeat(2 ** 19 - 32);
  const largest = `a\n${value}\nb\n${value}\n`;
  t.is(fieldsOf(textResponse(200, largest, '')).length, 3, 'fields of a MiB are made');
});
