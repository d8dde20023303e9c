import test from 'ava';
import type { TenantName } from '../../host/model/ids.ts';
import { BatchBudget, type Reservation } from '../../host/triggers/batch-budget.ts';

const A = 'a' as TenantName;
const B = 'b' as TenantName;

test('bytes are reserved up to the bounds; who waits gets them in the order of coming', async (t) => {
  const budget = new BatchBudget({ totalBytes: 100, tenantBytes: 60 });
  const first = (await budget.reserve(A, 60)) as Reservation;
  const granted: string[] = [];
  const second = Promise.resolve(budget.reserve(A, 30)).then((reservation) => {
    granted.push('A');
    return reservation;
  });
  // A waits at its share; B passes it.
  using ofB = await budget.reserve(B, 40);
  t.is(budget.reservedBytes, 100);
  const third = Promise.resolve(budget.reserve(B, 20)).then((reservation) => {
    granted.push('B');
    return reservation;
  });
  t.deepEqual(granted, []);
  first.shrink(10);
  await second;
  await third;
  t.deepEqual(granted, ['A', 'B']);
  t.is(budget.reservedBytes, 100);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  first.shrink(5);
  t.is(budget.reservedBytes, 90);
  (await second)[Symbol.dispose]();
  (await third)[Symbol.dispose]();
  ofB[Symbol.dispose]();
  t.is(budget.reservedBytes, 0);
});

test('what can never be free is refused', (t) => {
  const budget = new BatchBudget({ totalBytes: 100, tenantBytes: 60 });
  t.throws(() => budget.reserve(A, 61), { instanceOf: RangeError });
});

test('what is split off is given back by itself, and never more than there was', async (t) => {
  const budget = new BatchBudget({ totalBytes: 100, tenantBytes: 100 });
  const whole = await budget.reserve(A, 60);
  const parts = [whole.split(10), whole.split(20), whole.split(50)];
  t.is(budget.reservedBytes, 60);
  whole[Symbol.dispose]();
  t.is(budget.reservedBytes, 60);
  parts[0]![Symbol.dispose]();
  t.is(budget.reservedBytes, 50);
  parts[2]![Symbol.dispose]();
  t.is(budget.reservedBytes, 20);
  parts[1]![Symbol.dispose]();
  t.is(budget.reservedBytes, 0);
});
