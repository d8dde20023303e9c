import test from 'ava';
import { EndSignal } from '../../host/instance/end-signal.ts';

test('what waits hears the end, whether it asked for the signal before it or after', (t) => {
  const early = new EndSignal();
  const { signal } = early;
  let heard = 0;
  signal.addEventListener('abort', () => heard++);
  t.false(signal.aborted);
  early.end();
  early.end();
  t.is(heard, 1);
  t.true(signal.aborted);
  t.true(early.aborted);

  const late = new EndSignal();
  t.false(late.aborted);
  late.end();
  t.true(late.aborted);
  t.true(late.signal.aborted);
  t.is(late.signal, late.signal);
});
