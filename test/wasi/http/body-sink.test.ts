import test from 'ava';
import { BodySink } from '../../../host/wasi/http/body-sink.ts';
import { OutboundError } from '../../../host/wasi/http/error-code.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';

const KiB64 = 64 * 1024;
const noTrailers = (): void => {};

function readAll(pipe: BytePipe): string {
  let text = '';
  for (;;) {
    const chunk = pipe.source.read(KiB64);
    if (chunk === 'end') return text;
    if (chunk.length === 0) return `${text}...`;
    text += Buffer.from(chunk).toString();
  }
}

test('what was written before the target was known comes first, then the end', async (t) => {
  const sink = new BodySink('response', undefined);
  sink.write(Buffer.from('one '));
  sink.write(Buffer.from('two'));
  sink.end();
  const pipe = new BytePipe();
  sink.attach({ sink: pipe.sink, sendTrailers: noTrailers });
  await sink.settled();
  t.is(readAll(pipe), 'one two');
});

test('before the target is known, no more than one buffer is taken', (t) => {
  const sink = new BodySink('response', undefined);
  t.is(sink.checkWrite(), KiB64);
  sink.write(new Uint8Array(KiB64));
  t.is(sink.checkWrite(), 0);
  t.false(sink.isReady());
});

test('a target with little room gets the early bytes as it makes room', async (t) => {
  const sink = new BodySink('response', undefined);
  sink.write(Buffer.from('abcdefgh'));
  const pipe = new BytePipe(3);
  sink.attach({ sink: pipe.sink, sendTrailers: noTrailers });
  const ready = sink.ready();
  sink.end();
  let text = '';
  for (;;) {
    const chunk = pipe.source.read(KiB64);
    if (chunk === 'end') break;
    t.true(chunk.length <= 3);
    text += Buffer.from(chunk).toString();
    if (chunk.length === 0) await pipe.source.ready();
  }
  await ready;
  t.is(text, 'abcdefgh');
});

test('trailers are sent after the bytes and before the end', async (t) => {
  const seen: string[] = [];
  const pipe = new BytePipe();
  const sink = new BodySink('response', undefined);
  sink.write(Buffer.from('body'));
  sink.end([['x-sum', Buffer.from('1')]]);
  const sendTrailers = (): void => void seen.push(readAll(pipe));
  sink.attach({ sink: pipe.sink, sendTrailers });
  await sink.settled();
  t.deepEqual(seen, ['body...']);
  t.is(readAll(pipe), '');
});

test('bytes beyond the declared length never reach the target', (t) => {
  const sink = new BodySink('response', 3);
  const pipe = new BytePipe();
  sink.attach({ sink: pipe.sink, sendTrailers: noTrailers });
  sink.write(Buffer.from('abc'));
  t.is(readAll(pipe), 'abc...');
  sink.write(Buffer.from('d'));
  const error = t.throws(() => pipe.source.read(1), { instanceOf: OutboundError });
  t.deepEqual(error?.payload, { tag: 'HTTP-response-body-size', val: 4n });
  t.throws(() => sink.checkWrite(), { instanceOf: OutboundError });
});

test('a body knows when it is short of what was declared', (t) => {
  const sink = new BodySink('request', 3);
  sink.write(Buffer.from('ab'));
  t.true(sink.isShort);
  sink.write(Buffer.from('c'));
  t.false(sink.isShort);
});

test('the first ending wins', async (t) => {
  const ended = new BodySink('response', undefined);
  ended.end();
  ended.abort(new Error('too late'));
  t.is(ended.failure, undefined);
  const aborted = new BodySink('response', undefined);
  aborted.write(Buffer.from('lost'));
  aborted.abort(new Error('broken off'));
  aborted.end();
  const pipe = new BytePipe();
  aborted.attach({ sink: pipe.sink, sendTrailers: noTrailers });
  await aborted.settled();
  t.throws(() => pipe.source.read(1), { message: 'broken off' });
});

test('a target that is gone fails the writer', async (t) => {
  const sink = new BodySink('response', undefined);
  sink.write(Buffer.from('x'));
  const pipe = new BytePipe();
  pipe.source.close();
  sink.attach({ sink: pipe.sink, sendTrailers: noTrailers });
  t.throws(() => sink.checkWrite());
  t.true(sink.isReady());
});
