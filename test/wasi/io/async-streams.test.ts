import test from 'ava';
import { drainIntoSink, type GuestStream, streamOfSource } from '../../../host/wasi/io/async-streams.ts';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { CollectingSink } from '../fake-context.ts';

const signal = new AbortController().signal;

/** A guest's stream that gives these values, one a read. */
function guestStream(values: readonly unknown[]): GuestStream & { dropped: boolean; counts: number[] } {
  const rest = [...values];
  const counts: number[] = [];
  return {
    dropped: false,
    counts,
    read({ count }) {
      counts.push(count);
      return Promise.resolve(rest.length > 0 ? { value: rest.shift(), done: false } : { done: true });
    },
    [Symbol.dispose]() {
      this.dropped = true;
    },
  };
}

test('a source becomes a stream that ends with it', async (t) => {
  const pipe = new BytePipe();
  const { stream, end } = streamOfSource(pipe.source, signal);
  const first = stream.next();
  pipe.sink.write(Buffer.from('ab'));
  t.is(Buffer.from((await first).value).toString(), 'ab');
  pipe.sink.end();
  t.true((await stream.next()).done);
  t.is(await end, undefined);
});

test('a failing source ends the stream and tells why; a dropped stream closes its source', async (t) => {
  const failing = new BytePipe();
  const first = streamOfSource(failing.source, signal);
  failing.sink.abort(new Error('cut'));
  t.true((await first.stream.next()).done);
  t.is(String((await first.end)?.error), 'Error: cut');
  const dropped = new BytePipe();
  const second = streamOfSource(dropped.source, signal);
  await second.stream.return?.();
  t.is(await second.end, undefined);
  t.throws(() => dropped.sink.checkWrite());
});

test('whatever shape the values have, their bytes go into the sink, no more at once than it takes', async (t) => {
  const sink = new CollectingSink();
  const stream = guestStream([Buffer.from('ab'), [99, 100], 101]);
  t.is(await drainIntoSink(stream, sink, signal), undefined);
  t.is(sink.text, 'abcde');
  t.true(stream.counts.every((count) => count === 4096));
  t.false(sink.ended, 'ending is for the owner of the sink');
});

test("a sink whose reader is gone drops the guest's stream", async (t) => {
  const pipe = new BytePipe();
  pipe.source.close();
  const stream = guestStream([]);
  t.not(await drainIntoSink(stream, pipe.sink, signal), undefined);
  t.true(stream.dropped);
});

test('after the end of the invocation neither direction settles', async (t) => {
  const controller = new AbortController();
  const [inward, outward] = [new BytePipe(), new BytePipe(1)];
  outward.sink.write(Uint8Array.of(1));
  let settled = 0;
  const count = (): void => {
    settled += 1;
  };
  void streamOfSource(inward.source, controller.signal).stream.next().then(count);
  void drainIntoSink(guestStream([]), outward.sink, controller.signal).then(count);
  controller.abort();
  inward.sink.end();
  outward.source.close();
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  t.is(settled, 0);
});
