import test from 'ava';
import { FuelAccount } from '../../host/instance/fuel-account.ts';
import { FUEL_SLICE } from '../../host/limits/limits.ts';

/** What instrumented code does with the counter: subtract, and ask for more below zero. */
function burn(account: FuelAccount, amount: number): boolean {
  account.counter.value -= BigInt(amount);
  return account.counter.value >= 0n || account.grant();
}

test('used counts what was burnt, however it was sliced', (t) => {
  const account = new FuelAccount(FUEL_SLICE * 10);
  for (let i = 0; i < 1_000; i++) t.true(burn(account, 40_001));
  t.is(account.used, 40_001_000);
});

test('the budget is granted to the last unit, and not one more', (t) => {
  const account = new FuelAccount(FUEL_SLICE + 7);
  t.true(burn(account, FUEL_SLICE + 7));
  t.false(account.exhausted);
  t.false(burn(account, 1));
  t.true(account.exhausted);
});

test('the account never shows more than the budget', (t) => {
  const account = new FuelAccount(1_000);
  t.false(burn(account, 1_000_000));
  t.is(account.used, 1_000);
});

test('one debt may take several slices', (t) => {
  const account = new FuelAccount(FUEL_SLICE * 10);
  t.true(burn(account, FUEL_SLICE * 5 + 1));
  t.is(account.used, FUEL_SLICE * 5 + 1);
});

test('a poisoned account grants nothing, keeps what was used, and counts the rest', (t) => {
  const account = new FuelAccount(FUEL_SLICE * 3);
  burn(account, 1_234);
  account.poison();
  t.is(account.used, 1_234);
  t.false(burn(account, 100));
  t.is(account.used, 1_334);
  t.false(account.exhausted);
  t.true(account.counter.value < 0n);
});

test('an exhausted account stays so', (t) => {
  const account = new FuelAccount(10);
  t.false(burn(account, 11));
  t.false(account.grant());
  t.true(account.counter.value < 0n);
});

test('what the host charges is used at once, and on the counter soon after', (t) => {
  const account = new FuelAccount(FUEL_SLICE * 10);
  account.charge(1_000);
  t.is(account.used, 1_000);
  const before = account.counter.value;
  for (let i = 0; i < 1_000; i++) account.charge(1_000);
  t.is(account.used, 1_001_000);
  t.true(before - account.counter.value > 900_000n);
  t.true(burn(account, FUEL_SLICE));
  t.is(account.used, FUEL_SLICE + 1_001_000);
});

test('a charge that is no positive number changes nothing', (t) => {
  const account = new FuelAccount(FUEL_SLICE * 10);
  for (const units of [-1, -(2 ** 40), 0, Number.NaN]) account.charge(units);
  t.is(account.used, 0);
});

test('charges beyond the budget end the guest at its next check', (t) => {
  const account = new FuelAccount(200_000);
  account.charge(2 ** 40);
  t.false(burn(account, 1));
  t.true(account.exhausted);
  t.is(account.used, 200_000);
});

test('what is taken back of a slice makes the next check ask again, and changes no total', (t) => {
  const account = new FuelAccount(FUEL_SLICE * 2);
  t.true(burn(account, 10));
  account.retract();
  t.true(account.counter.value < 0n);
  t.is(account.used, 10);
  t.true(account.grant());
  t.true(burn(account, FUEL_SLICE * 2 - 10));
  t.is(account.used, FUEL_SLICE * 2);
  t.false(burn(account, 1));
});

test('closing says what was used, once poisoned with what was burnt since', (t) => {
  const open = new FuelAccount(FUEL_SLICE);
  burn(open, 1_234);
  open.charge(6);
  t.is(open.close(), 1_240);
  t.is(open.used, 1_240);
  t.false(open.grant());
  const poisoned = new FuelAccount(FUEL_SLICE);
  burn(poisoned, 1_234);
  poisoned.poison();
  burn(poisoned, 100);
  t.is(poisoned.close(), 1_334);
});
