import test from 'ava';
import { BytePipe } from '../../../host/wasi/io/byte-pipe.ts';
import { StreamClosedError } from '../../../host/wasi/io/error.ts';
import { seededRandom } from '../fake-context.ts';

test('a pipe gives the bytes in order and then the end', async (t) => {
  const { sink, source } = new BytePipe(8);
  t.false(source.isReady());
  const waiting = source.ready();
  sink.write(Uint8Array.of(1, 2, 3));
  await waiting;
  t.deepEqual(source.read(2), Uint8Array.of(1, 2));
  t.deepEqual(source.read(9), Uint8Array.of(3));
  t.deepEqual(source.read(9), new Uint8Array(0));
  sink.end();
  t.is(source.read(9), 'end');
  t.is(source.read(9), 'end');
});

test('whatever the sizes of writes and reads, order is kept and the bound holds', async (t) => {
  const seed = Date.now() % 2 ** 31;
  t.log(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let round = 0; round < 20; round += 1) {
    const capacity = 1 + random(200);
    const total = random(20_000);
    const pipe = new BytePipe(capacity);
    let readBytes = 0;
    const writing = (async () => {
      let written = 0;
      while (written < total) {
        const room = pipe.sink.checkWrite();
        if (room === 0) {
          t.false(pipe.sink.isReady());
          await pipe.sink.ready();
          continue;
        }
        const size = Math.min(1 + random(room), total - written);
        const start = written;
        pipe.sink.write(Uint8Array.from({ length: size }, (_, index) => (start + index) % 251));
        written += size;
        t.true(pipe.bufferedBytes <= capacity);
        if (random(3) === 0) await Promise.resolve();
      }
      pipe.sink.end();
    })();
    for (;;) {
      const chunk = pipe.source.read(1 + random(300));
      if (chunk === 'end') break;
      if (chunk.length === 0) await pipe.source.ready();
      else for (const byte of chunk) t.is(byte, readBytes++ % 251, `seed ${seed}`);
    }
    await writing;
    t.is(readBytes, total, `seed ${seed}`);
    t.is(pipe.bufferedBytes, 0);
  }
});

test('a full pipe makes the writer wait until the reader has taken something', async (t) => {
  const { sink, source } = new BytePipe(4);
  sink.write(new Uint8Array(4));
  t.is(sink.checkWrite(), 0);
  let woken = false;
  const waiting = sink.ready().then(() => {
    woken = true;
  });
  await Promise.resolve();
  t.false(woken);
  source.read(1);
  await waiting;
  t.is(sink.checkWrite(), 1);
});

test('flush waits while the pipe is full, and not for the reader otherwise', async (t) => {
  const { sink, source } = new BytePipe(4);
  sink.write(new Uint8Array(3));
  await sink.flushed();
  sink.write(new Uint8Array(1));
  const flushed = sink.flushed();
  source.read(4);
  await flushed;
  t.pass();
});

test('an aborted writer is an error for the reader, once, after the bytes before it', (t) => {
  const { sink, source } = new BytePipe(8);
  sink.write(Uint8Array.of(7));
  sink.abort(new Error('cut'));
  t.deepEqual(source.read(8), Uint8Array.of(7));
  t.throws(() => source.read(8), { message: 'cut' });
  t.is(source.read(8), 'end');
});

test('abort after end changes nothing', (t) => {
  const { sink, source } = new BytePipe(8);
  sink.end();
  sink.abort(new Error('late'));
  t.is(source.read(8), 'end');
});

test('a reader that goes frees the writer and what was buffered', async (t) => {
  const pipe = new BytePipe(2);
  pipe.sink.write(new Uint8Array(2));
  const waiting = pipe.sink.ready();
  pipe.source.close();
  await waiting;
  t.is(pipe.bufferedBytes, 0);
  t.throws(() => pipe.sink.checkWrite(), { instanceOf: StreamClosedError });
  pipe.sink.write(new Uint8Array(2));
  t.is(pipe.bufferedBytes, 0);
  t.is(pipe.source.read(1), 'end');
});

test('a pipe full of single bytes holds few chunks, in order, also while it is read', (t) => {
  const { sink, source } = new BytePipe(20_000);
  const expected: number[] = [];
  const actual: number[] = [];
  for (let sent = 0; sent < 20_000; sent += 1) {
    sink.write(Uint8Array.of(sent % 251));
    expected.push(sent % 251);
    if (sent % 7 === 0) actual.push(...(source.read(3) as Uint8Array));
  }
  sink.end();
  let reads = 0;
  for (let chunk = source.read(65_536); chunk !== 'end'; chunk = source.read(65_536)) {
    actual.push(...chunk);
    reads += 1;
  }
  t.deepEqual(actual, expected);
  t.true(reads < 10, `${reads} chunks`);
});
