import test from 'ava';
import { Admission, clearAdmissions, createAdmissionTable } from '../../host/scheduler/admission.ts';

test('a function is admitted up to its cap over all threads', (t) => {
  const table = createAdmissionTable(2);
  const [a, b] = [new Admission(table, 0), new Admission(table, 1)];
  t.true(a.enter(7, 2));
  t.true(b.enter(7, 2));
  t.false(a.enter(7, 2));
  t.false(b.enter(7, 2));
  t.true(a.enter(8, 2), 'another function has places of its own');
  b.leave(7);
  t.true(a.enter(7, 2));
});

test('a refusal takes no place', (t) => {
  const table = createAdmissionTable(1);
  const admission = new Admission(table, 0);
  t.true(admission.enter(0, 1));
  for (let i = 0; i < 100; i++) t.false(admission.enter(0, 1));
  admission.leave(0);
  t.true(admission.enter(0, 1));
});

test('a thread that died gives its places back', (t) => {
  const table = createAdmissionTable(2);
  const [dead, alive] = [new Admission(table, 0), new Admission(table, 1)];
  t.true(dead.enter(3, 1));
  t.false(alive.enter(3, 1));
  clearAdmissions(table, 0);
  t.true(alive.enter(3, 1));
});
