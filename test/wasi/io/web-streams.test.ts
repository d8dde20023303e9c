import test from 'ava';
import { STREAM_BUFFER_BYTES } from '../../../host/limits/limits.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { readableFromSource, sinkToReadable, sourceFromReadable } from '../../../host/wasi/io/web-streams.ts';

const signal = new AbortController().signal;

async function readAll(source: ReturnType<typeof sourceFromReadable>): Promise<string> {
  let text = '';
  for (;;) {
    const chunk = source.read(3);
    if (chunk === 'end') return text;
    if (chunk.length === 0) await source.ready();
    text += Buffer.from(chunk).toString();
  }
}

test('a web stream is read in pieces, empty chunks left out', async (t) => {
  const stream = ReadableStream.from([Buffer.from('hello'), new Uint8Array(0), Buffer.from(' world')]);
  t.is(await readAll(sourceFromReadable(stream, signal)), 'hello world');
  t.is(sourceFromReadable(null, signal).read(1), 'end');
});

test('nothing is pulled ahead of the reader', async (t) => {
  let pulls = 0;
  const stream = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulls += 1;
        controller.enqueue(new Uint8Array(10));
      },
    },
    { highWaterMark: 0 },
  );
  const source = sourceFromReadable(stream, signal);
  t.is(pulls, 0);
  await source.ready();
  t.is(pulls, 1);
  source.read(4);
  await source.ready();
  t.is(pulls, 1);
});

test('a guest that only asks whether it is ready makes progress', async (t) => {
  const source = sourceFromReadable(ReadableStream.from([Buffer.from('a')]), signal);
  t.false(source.isReady());
  await new Promise(setImmediate);
  t.true(source.isReady());
});

test('a failing web stream is thrown once', async (t) => {
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.error(new Error('reset'));
    },
  });
  const source = sourceFromReadable(stream, signal);
  await source.ready();
  t.throws(() => source.read(1), { message: 'reset' });
  t.is(source.read(1), 'end');
});

test('closing cancels the stream; so does the end of the invocation, which wakes nobody', async (t) => {
  let cancelled = 0;
  const create = () =>
    new ReadableStream<Uint8Array>({
      cancel: () => {
        cancelled += 1;
      },
    });
  sourceFromReadable(create(), signal).close();
  t.is(cancelled, 1);
  const controller = new AbortController();
  const source = sourceFromReadable(create(), controller.signal);
  let woken = false;
  void source.ready().then(() => {
    woken = true;
  });
  controller.abort();
  await new Promise(setImmediate);
  t.is(cancelled, 2);
  t.false(woken);
});

test('a sink to a web stream holds back a writer whom nobody reads', async (t) => {
  const { sink, readable } = sinkToReadable();
  sink.write(new Uint8Array(STREAM_BUFFER_BYTES));
  t.is(sink.checkWrite(), 0);
  await new Promise(setImmediate);
  t.is(sink.checkWrite(), 0, 'the web stream took nothing by itself');
  const reader = readable.getReader();
  t.is((await reader.read()).value?.length, STREAM_BUFFER_BYTES);
  t.is(sink.checkWrite(), STREAM_BUFFER_BYTES);
  sink.end();
  t.true((await reader.read()).done);
});

test('a gibibyte passes with a buffer that never exceeds its bound', async (t) => {
  const pipe = new BytePipe();
  const readable = readableFromSource(pipe.source);
  const chunk = new Uint8Array(STREAM_BUFFER_BYTES);
  const total = 1024 ** 3;
  let highest = 0;
  const writing = (async () => {
    for (let sent = 0; sent < total; sent += chunk.length) {
      while (pipe.sink.checkWrite() < chunk.length) await pipe.sink.ready();
      pipe.sink.write(chunk);
      highest = Math.max(highest, pipe.bufferedBytes);
    }
    pipe.sink.end();
  })();
  let received = 0;
  for await (const piece of readable) received += piece.length;
  await writing;
  t.is(received, total);
  t.true(highest <= STREAM_BUFFER_BYTES);
});

test('cancelling the web stream tells the writer; aborting the writer errors the web stream', async (t) => {
  const first = sinkToReadable();
  await first.readable.cancel();
  t.throws(() => first.sink.checkWrite());
  const second = sinkToReadable();
  second.sink.abort(new Error('incomplete'));
  await t.throwsAsync(second.readable.getReader().read(), { message: 'incomplete' });
});
