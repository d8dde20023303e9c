import { runInNewContext } from 'node:vm';
import test from 'ava';
import { ThreadHeap } from '../../host/worker/thread-heap.ts';

test('garbage is gone when the collection returns, and what is in use is not', (t) => {
  const heap = new ThreadHeap();
  heap.collect();
  const beforeBytes = heap.usedBytes();
  const made: { list: number[][] } = { list: [] };
  for (let i = 0; i < 500_000; i++) made.list.push([i]);
  const madeBytes = heap.usedBytes() - beforeBytes;
  t.true(madeBytes > 10 * 2 ** 20, `${madeBytes}`);
  heap.collect();
  t.true(heap.usedBytes() - beforeBytes > madeBytes / 2);
  t.is(made.list.length, 500_000);
  made.list = [];
  t.true(heap.collect() > 0);
  t.true(heap.usedBytes() - beforeBytes < madeBytes / 10);
});

test('nobody else is given the function that collects', (t) => {
  new ThreadHeap().collect();
  t.is(typeof Reflect.get(globalThis, 'gc'), 'undefined');
  t.is(runInNewContext('typeof gc'), 'undefined');
});
