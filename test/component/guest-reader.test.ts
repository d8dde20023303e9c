/** The host as reader of a channel whose other end is a guest's. */
import test from 'ava';
import {
  Channel,
  COPY,
  type CopyResult,
  type Elements,
  type SourceBuffer,
} from '../../host/component/channel.ts';
import { GuestFutureReader, GuestStreamReader } from '../../host/component/guest-reader.ts';
import type { InstanceState } from '../../host/component/instance-state.ts';

const STATE = { whenEnterable: (run: () => void) => run() } as unknown as InstanceState;

/** The guest's side: writes, and notes what came of it. */
function write(channel: Channel, values: Elements, results: (CopyResult | 'copied')[]): void {
  let at = 0;
  const buffer: SourceBuffer = {
    owner: {},
    get remaining() {
      return values.length - at;
    },
    read(count) {
      const part = (values as Uint8Array).slice(at, at + count);
      at += count;
      return part;
    },
  };
  channel.write(buffer, { onCopy: () => results.push('copied'), onDone: (result) => results.push(result) });
}

test('a write that finds the host reading ahead is over at once', async (t) => {
  const channel = new Channel(null, false, true);
  const reader = new GuestStreamReader(STATE, channel);
  reader.readAhead(100);
  const results: (CopyResult | 'copied')[] = [];
  write(channel, Uint8Array.of(1, 2, 3, 4, 5), results);
  t.deepEqual(results, [COPY.completed]);
  channel.drop();
  t.is(GuestStreamReader.release(reader), undefined);
  t.deepEqual(await reader.read({ count: 2 }), { value: Uint8Array.of(1, 2), done: false });
  t.deepEqual(await reader.read({ count: 2 }), { value: Uint8Array.of(3, 4), done: false });
  t.deepEqual(await reader.read({ count: 2 }), { value: Uint8Array.of(5), done: false });
  t.deepEqual(await reader.read({ count: 2 }), { value: undefined, done: true });
});

test('a stream that ends before anything was written ends for who read ahead', async (t) => {
  const channel = new Channel(null, false, true);
  const reader = new GuestStreamReader(STATE, channel);
  reader.readAhead(100);
  channel.drop();
  t.deepEqual(await reader.read({ count: 2 }), { value: undefined, done: true });
});

test('a stream that was read ahead can still be given up', (t) => {
  const channel = new Channel(null, false, true);
  const reader = new GuestStreamReader(STATE, channel);
  reader.readAhead(100);
  reader[Symbol.dispose]();
  const results: (CopyResult | 'copied')[] = [];
  write(channel, Uint8Array.of(1), results);
  t.deepEqual(results, [COPY.dropped]);
});

test('a future that is read ahead keeps its value for whoever asks', async (t) => {
  const channel = new Channel(null, true, true);
  const reader = new GuestFutureReader(STATE, channel);
  reader.readAhead();
  const results: (CopyResult | 'copied')[] = [];
  write(channel, ['value'], results);
  t.deepEqual(results, [COPY.completed]);
  t.is(await reader, 'value');
});
