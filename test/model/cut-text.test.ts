import test from 'ava';
import { cutText } from '../../host/model/cut-text.ts';
import { ThreadHeap } from '../../host/worker/thread-heap.ts';

test('the beginning of a text keeps nothing of the rest in memory', (t) => {
  const heap = new ThreadHeap();
  const bytes = Buffer.alloc(2 ** 22, 'a');
  const decoder = new TextDecoder();
  heap.collect();
  const before = process.memoryUsage().external;
  const cut: string[] = [];
  for (let i = 0; i < 16; i++) cut.push(cutText(decoder.decode(bytes), 100));
  heap.collect();
  t.true(
    process.memoryUsage().external - before < 4 * bytes.length,
    `${process.memoryUsage().external - before}`,
  );
  t.deepEqual(new Set(cut), new Set(['a'.repeat(100)]));
});

test('a text that is short enough stays as it is, whatever is in it', (t) => {
  for (const text of ['', 'short', '\u{1f600}\0\ud800', 'caf\u00e9'.repeat(20)])
    t.is(cutText(text, 100), text);
  t.is(cutText('\u{1f600}\ud800caf\u00e9', 5), '\u{1f600}\ud800ca');
});
