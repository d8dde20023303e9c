import test, { type ExecutionContext } from 'ava';
import { BufferSource } from '../../../host/wasi/io/buffer-source.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { IoError } from '../../../host/wasi/io/error.ts';
import { Handles } from '../../../host/wasi/io/handles.ts';
import { HostCallTrap, ResultError } from '../../../host/wasi/io/result-error.ts';
import { InputStream, OutputStream, type StreamError } from '../../../host/wasi/io/streams.ts';
import { CollectingSink, createFakeContext } from '../fake-context.ts';

function streamErrorOf(t: ExecutionContext, call: () => unknown): StreamError {
  try {
    call();
  } catch (error) {
    if (error instanceof ResultError) return error.payload as StreamError;
    throw error;
  }
  return t.fail('nothing was thrown') as never;
}

async function streamErrorOfLater(t: ExecutionContext, promise: unknown): Promise<StreamError> {
  try {
    await promise;
  } catch (error) {
    return streamErrorOf(t, () => {
      throw error;
    });
  }
  return t.fail('nothing was thrown') as never;
}

function bytes(text: string): Uint8Array {
  return Buffer.from(text);
}

test('reading gives bytes, then closed for ever', (t) => {
  const stream = InputStream.from(new BufferSource(bytes('abc')));
  t.is(stream.read(0n).length, 0);
  t.is(Buffer.from(stream.read(2n)).toString(), 'ab');
  t.is(stream.skip(2n ** 64n - 1n), 1n);
  t.is(streamErrorOf(t, () => stream.read(1n)).tag, 'closed');
  t.is(streamErrorOf(t, () => stream.read(0n)).tag, 'closed');
});

test('a source that failed is reported once, as an error without host details', (t) => {
  const pipe = new BytePipe();
  const stream = InputStream.from(pipe.source);
  pipe.sink.abort(new Error('/secret/path'));
  const error = streamErrorOf(t, () => stream.read(1n));
  t.is(error.tag, 'last-operation-failed');
  const { val } = error as { val: IoError };
  t.true(val instanceof IoError);
  t.is(val.toDebugString(), 'input/output error');
  t.is((IoError.causeOf(val) as Error).message, '/secret/path');
  t.is(streamErrorOf(t, () => stream.read(1n)).tag, 'closed');
});

test('a blocking read returns at once what is there, and waits for what is not', async (t) => {
  const pipe = new BytePipe();
  const stream = InputStream.from(pipe.source);
  pipe.sink.write(bytes('x'));
  t.true(stream.blockingRead(5n) instanceof Uint8Array);
  const waiting = stream.blockingSkip(5n);
  pipe.sink.write(bytes('yz'));
  t.is(await waiting, 2n);
  const ending = stream.blockingRead(5n);
  pipe.sink.end();
  t.is((await streamErrorOfLater(t, ending)).tag, 'closed');
});

test('the pollable of an input stream follows its source', async (t) => {
  const pipe = new BytePipe();
  const pollable = InputStream.from(pipe.source).subscribe();
  t.false(pollable.ready());
  const blocked = pollable.block();
  pipe.sink.end();
  await blocked;
  t.true(pollable.ready());
});

test('dropping an input stream closes its source', (t) => {
  const pipe = new BytePipe();
  InputStream.from(pipe.source)[Symbol.dispose]();
  t.throws(() => pipe.sink.checkWrite());
});

test('writing more than check-write permitted traps', (t) => {
  const sink = new CollectingSink();
  const stream = OutputStream.from(sink);
  t.throws(() => stream.write(bytes('a')), { instanceOf: HostCallTrap });
  t.is(stream.checkWrite(), 4096n);
  stream.write(new Uint8Array(4000));
  stream.writeZeroes(96n);
  t.throws(() => stream.write(bytes('a')), { instanceOf: HostCallTrap });
  t.throws(() => stream.writeZeroes(2n ** 60n), { instanceOf: HostCallTrap });
  t.is(Buffer.concat(sink.chunks).length, 4096);
});

test('a blocking write of any size goes out in the pieces that the sink takes', async (t) => {
  const pipe = new BytePipe(3);
  const stream = OutputStream.from(pipe.sink);
  const writing = stream.blockingWriteAndFlush(bytes('hello world'));
  let text = '';
  while (text.length < 11) {
    await pipe.source.ready();
    const chunk = pipe.source.read(100);
    if (chunk !== 'end') text += Buffer.from(chunk).toString();
  }
  await writing;
  t.is(text, 'hello world');
  t.throws(() => stream.write(bytes('a')), { instanceOf: HostCallTrap }, 'the permit was used up');
});

test('a blocking write waits for nothing where there is room', (t) => {
  const pipe = new BytePipe(4);
  const stream = OutputStream.from(pipe.sink);
  t.is(stream.blockingWriteAndFlush(bytes('abc')), undefined);
  t.is(Buffer.from(pipe.source.read(100) as Uint8Array).toString(), 'abc');
  t.throws(() => stream.write(bytes('a')), { instanceOf: HostCallTrap }, 'the permit was used up');
  // Full afterwards: it is not flushed before somebody reads.
  t.true(stream.blockingWriteAndFlush(bytes('abcd')) instanceof Promise);
});

test('blocking-write-zeroes-and-flush traps above 4096', async (t) => {
  const sink = new CollectingSink();
  const stream = OutputStream.from(sink);
  await t.throwsAsync(stream.blockingWriteZeroesAndFlush(4097n), { instanceOf: HostCallTrap });
  await stream.blockingWriteZeroesAndFlush(4096n);
  t.is(Buffer.concat(sink.chunks).length, 4096);
});

test('while a flush is under way nothing may be written, and the stream is not ready', async (t) => {
  const pipe = new BytePipe(2);
  const stream = OutputStream.from(pipe.sink);
  t.is(stream.checkWrite(), 2n);
  stream.write(bytes('ab'));
  stream.flush();
  t.is(stream.checkWrite(), 0n);
  const pollable = stream.subscribe();
  t.false(pollable.ready());
  const blocked = pollable.block();
  pipe.source.read(2);
  await blocked;
  t.is(stream.checkWrite(), 2n);
});

test('a reader that left closes the output stream, also between permit and write', (t) => {
  const pipe = new BytePipe();
  const stream = OutputStream.from(pipe.sink);
  stream.checkWrite();
  pipe.source.close();
  t.is(streamErrorOf(t, () => stream.write(bytes('a'))).tag, 'closed');
  t.is(streamErrorOf(t, () => stream.checkWrite()).tag, 'closed');
  t.is(streamErrorOf(t, () => stream.flush()).tag, 'closed');
  t.true(stream.subscribe().ready());
});

test('a failed blocking write is an error value, not a trap', async (t) => {
  const pipe = new BytePipe(1);
  const stream = OutputStream.from(pipe.sink);
  const writing = stream.blockingWriteAndFlush(bytes('abc'));
  pipe.source.close();
  t.is((await streamErrorOfLater(t, writing)).tag, 'closed');
});

test('splice moves what is readable and writable', async (t) => {
  const sink = new CollectingSink();
  const out = OutputStream.from(sink);
  const pipe = new BytePipe();
  const source = InputStream.from(pipe.source);
  t.is(out.splice(source, 10n), 0n);
  pipe.sink.write(bytes('hello'));
  t.is(out.splice(source, 2n), 2n);
  t.is(await out.blockingSplice(source, 10n), 3n);
  const waiting = out.blockingSplice(source, 10n);
  pipe.sink.write(bytes('!'));
  t.is(await waiting, 1n);
  pipe.sink.end();
  t.is((await streamErrorOfLater(t, out.blockingSplice(source, 1n))).tag, 'closed');
  t.is(sink.text, 'hello!');
});

test('a stream that waits when its invocation ends never settles', async (t) => {
  const context = createFakeContext();
  const handles = Handles.of(context);
  const [inner, outer] = [new BytePipe(1), new BytePipe(1)];
  let settled = 0;
  const count = (): void => {
    settled += 1;
  };
  void Promise.resolve(InputStream.from(inner.source, { handles }).blockingRead(1n)).then(count, count);
  outer.sink.write(bytes('a'));
  const writing = OutputStream.from(outer.sink, { handles }).blockingWriteAndFlush(bytes('b'));
  void Promise.resolve(writing).then(count, count);
  context.abort();
  inner.sink.abort(new Error('gone'));
  outer.source.close();
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  t.is(settled, 0);
});

test('streams and their pollables count as handles until they are dropped', (t) => {
  const handles = Handles.of(createFakeContext());
  const input = InputStream.from(new BufferSource(bytes('')), { handles });
  const output = OutputStream.from(new CollectingSink(), { handles });
  const pollables = [input.subscribe(), output.subscribe()];
  t.is(handles.live, 4);
  for (const resource of [...pollables, input, output]) resource[Symbol.dispose]();
  t.is(handles.live, 0);
});

test('a made-up stream handle traps', (t) => {
  t.throws(() => Object.create(InputStream.prototype).read(1n), { instanceOf: TypeError });
  t.throws(() => Object.create(OutputStream.prototype).checkWrite(), { instanceOf: TypeError });
});
