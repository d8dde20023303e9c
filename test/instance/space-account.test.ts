import test from 'ava';
import { SpaceAccount, unsignedAmount } from '../../host/instance/space-account.ts';

test('reservations up to the cap are given, and beyond it refused', (t) => {
  const account = new SpaceAccount(100, 40);
  t.true(account.reserve(60));
  t.false(account.refused);
  t.false(account.reserve(1));
  t.true(account.refused);
  t.is(account.peak, 100);
});

test('what a failed growth gives back can be reserved again', (t) => {
  const account = new SpaceAccount(100, 0);
  t.true(account.reserve(100));
  account.release(30);
  t.true(account.reserve(30));
});

test('a delta that reads as negative in 64 bits is huge, and refused', (t) => {
  const account = new SpaceAccount(100, 0);
  t.false(account.reserve(unsignedAmount(-1n, 65_536)));
});
