import test from 'ava';
import { ParkedCalls } from '../../host/instance/parked-calls.ts';

const OVER = new Error('over');

test('a held promise settles as it would', async (t) => {
  const parked = new ParkedCalls();
  t.is(await parked.hold(Promise.resolve(7)), 7);
  const reason = new Error('its own');
  t.is(await t.throwsAsync(parked.hold(Promise.reject(reason))), reason);
});

test('the end rejects what has not settled, and whatever is held later', async (t) => {
  const parked = new ParkedCalls();
  const waiting = [parked.hold(new Promise(() => {})), parked.hold(new Promise(() => {}))];
  parked.end(() => OVER);
  for (const held of [...waiting, parked.hold(Promise.resolve(7))]) {
    t.is(await t.throwsAsync(held), OVER);
  }
});

test('a late answer after the end changes nothing, also when it fails', async (t) => {
  const parked = new ParkedCalls();
  const late = Promise.withResolvers<void>();
  const held = parked.hold(late.promise);
  parked.end(() => OVER);
  late.reject(new Error('late'));
  t.is(await t.throwsAsync(held), OVER);
  await t.throwsAsync(late.promise);
});

test('no error is made where nobody is rejected', (t) => {
  const parked = new ParkedCalls();
  parked.end(() => t.fail() as never);
  t.pass();
});
