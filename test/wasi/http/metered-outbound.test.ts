import test from 'ava';
import type { OutboundHttp, OutboundRequest } from '../../../host/wasi/context.ts';
import { OutboundError } from '../../../host/wasi/http/error-code.ts';
import { meteredOutbound } from '../../../host/wasi/http/metered-outbound.ts';
import type { ByteSource } from '../../../host/wasi/io/bytes.ts';

/** Gives its chunks one by one. */
function sourceOf(...sizes: number[]): ByteSource & { isClosed: boolean } {
  return {
    isClosed: false,
    read() {
      const size = sizes.shift();
      return size === undefined ? 'end' : new Uint8Array(size);
    },
    isReady: () => true,
    ready: async () => {},
    close() {
      this.isClosed = true;
    },
  };
}

function request(body?: ByteSource): OutboundRequest {
  return {
    method: 'POST',
    scheme: 'http',
    authority: 'example.com',
    pathWithQuery: '/',
    headers: [],
    body,
    connectTimeoutMs: undefined,
    firstByteTimeoutMs: undefined,
    betweenBytesTimeoutMs: undefined,
  };
}

/** Another side that reads the whole request and answers with `answer`. */
function outboundWith(answer: ByteSource): OutboundHttp & { sent: number } {
  return {
    sent: 0,
    async send({ body }) {
      this.sent++;
      while (body !== undefined && body.read(10) !== 'end');
      return { status: 200, headers: [], body: answer, trailers: async () => [] };
    },
  };
}

function meterOf(requests: number, bytes: number) {
  return {
    requests,
    bytes,
    takeRequest() {
      return --this.requests >= 0;
    },
    takeBytes(taken: number) {
      this.bytes -= taken;
      return this.bytes >= 0;
    },
  };
}

const isOverQuota = (error: unknown): boolean =>
  error instanceof OutboundError && error.payload.tag === 'connection-limit-reached';
const { signal } = new AbortController();

test('a request over the quota is not sent', async (t) => {
  const outbound = outboundWith(sourceOf());
  const metered = meteredOutbound(outbound, meterOf(2, 100));
  await metered.send(request(), signal);
  await metered.send(request(), signal);
  t.true(isOverQuota(await t.throwsAsync(metered.send(request(), signal))));
  t.is(outbound.sent, 2);
});

test('bytes of both bodies are counted', async (t) => {
  const meter = meterOf(1, 100);
  const { body } = await meteredOutbound(outboundWith(sourceOf(30, 30)), meter).send(
    request(sourceOf(20, 5)),
    signal,
  );
  t.is(meter.bytes, 75);
  while (body.read(10) !== 'end');
  t.is(meter.bytes, 15);
});

test('a body that runs into the quota is broken off', async (t) => {
  const answer = sourceOf(60, 60);
  const { body } = await meteredOutbound(outboundWith(answer), meterOf(1, 100)).send(request(), signal);
  t.is((body.read(100) as Uint8Array).length, 60);
  t.true(isOverQuota(t.throws(() => body.read(100))));
  t.true(answer.isClosed);
});
