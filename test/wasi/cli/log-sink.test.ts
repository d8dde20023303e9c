import test from 'ava';
import { LineSink, LogBudget, MAX_LINE_BYTES } from '../../../host/wasi/cli/log-sink.ts';
import { seededRandom } from '../fake-context.ts';

function createSink(limitBytes = 1024 * 1024) {
  const lines: string[] = [];
  const budget = new LogBudget(limitBytes);
  const exceeded: number[] = [];
  const sink = new LineSink({
    budget,
    onLine: (line) => lines.push(line),
    onExceeded: () => {
      exceeded.push(budget.used);
      return new Error('log limit');
    },
  });
  return { sink, lines, budget, exceeded };
}

test('output becomes lines, however it is cut into writes', (t) => {
  const seed = Date.now() % 2 ** 31;
  t.log(`seed ${seed}`);
  const random = seededRandom(seed);
  const text = 'plain\r\n\nünïcödé 漢字 🚀🚀\nlast \r one';
  const expected = ['plain', '', 'ünïcödé 漢字 🚀🚀', 'last \r one'];
  const bytes = Buffer.from(text);
  for (let round = 0; round < 200; round += 1) {
    const { sink, lines, budget } = createSink();
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random(6);
      sink.write(Uint8Array.from(bytes.subarray(at, at + size)));
      at += size;
    }
    sink.end();
    sink.end();
    t.deepEqual(lines, expected, `seed ${seed}`);
    t.is(budget.used, bytes.length);
  }
});

test('a long line is cut at its bound, never inside a character', (t) => {
  const { sink, lines } = createSink();
  const text = `x${'🚀'.repeat(5000)}`;
  sink.write(Buffer.from(text));
  sink.write(Buffer.from('\n'));
  t.is(lines.join(''), text);
  t.is(lines.length, 3);
  for (const line of lines) {
    t.true(Buffer.byteLength(line) <= MAX_LINE_BYTES);
    t.false(line.includes('\ufffd'));
  }
});

test('ill-formed UTF-8 comes as replacement characters, whatever its length', (t) => {
  const { sink, lines } = createSink();
  sink.write(new Uint8Array(3 * MAX_LINE_BYTES).fill(0x80));
  sink.end();
  t.is(lines.length, 3);
  t.is(lines.join(''), '\ufffd'.repeat(3 * MAX_LINE_BYTES));
});

test('both streams of an invocation share the budget; what fits is kept', (t) => {
  const { sink: stdout, lines, budget, exceeded } = createSink(10);
  const stderr = new LineSink({
    budget,
    onLine: (line) => lines.push(line),
    onExceeded: () => new Error('too much'),
  });
  stdout.write(Buffer.from('1234\n'));
  stderr.write(Buffer.from('567\n'));
  t.throws(() => stdout.write(Buffer.from('89')), { message: 'log limit' });
  t.deepEqual(lines, ['1234', '567', '8']);
  t.is(budget.used, 10);
  t.deepEqual(exceeded, [10]);
  t.throws(() => stdout.checkWrite());
});

test('exactly the budget is allowed', (t) => {
  const { sink, lines } = createSink(3);
  sink.write(Buffer.from('ab\n'));
  t.deepEqual(lines, ['ab']);
});
