import test from 'ava';
import type { Place, Verdict } from '../../host/scheduler/admission.ts';
import { HOST, STATE, TENANT_COUNT } from '../../host/scheduler/quota-table.ts';
import { admissions, applicant, ManualClock, OTHER_TENANT, TENANT } from './quota-fixture.ts';

const MiB = 2 ** 20;

/** What came of asking, in a word: a place, the quota that forbids it, or why else not. */
function wordOf(verdict: Verdict): string {
  return verdict.kind === 'quota' ? `${verdict.scope} ${verdict.name}` : verdict.kind;
}

/** How long it says to wait. */
function resetAfter(verdict: Verdict, clock: ManualClock): number | undefined {
  return verdict.kind === 'quota' ? Math.round(verdict.resetAtMs! - clock.epochMs) : undefined;
}

function placeOf(verdict: Verdict): Place {
  if (verdict.kind !== 'place') throw new Error(`no place: ${wordOf(verdict)}`);
  return verdict;
}

test('a function is admitted up to its concurrency over all threads', (t) => {
  const [a, b] = admissions(2).threads;
  const two = applicant(7, { concurrency: 2 });
  t.is(a!.ask(two).kind, 'place');
  const place = placeOf(b!.ask(two));
  t.is(a!.ask(two).kind, 'function-busy');
  t.is(b!.ask(two).kind, 'function-busy');
  t.is(a!.ask(applicant(8, { concurrency: 2 })).kind, 'place', 'another function has places of its own');
  place.leave(0);
  t.is(a!.ask(two).kind, 'place');
});

test('a place is left once, however often that is said', (t) => {
  const [a] = admissions(1, { concurrency: 2 }).threads;
  const place = placeOf(a!.ask(applicant()));
  a!.ask(applicant());
  place.leave(0);
  place.leave(0);
  t.is(a!.ask(applicant()).kind, 'place');
  t.is(wordOf(a!.ask(applicant())), 'tenant concurrency');
});

test('a tenant is admitted up to its concurrency over all functions and threads, and nobody else is concerned', (t) => {
  const [a, b] = admissions(2, { concurrency: 3 }).threads;
  for (const [i, thread] of [a!, b!, a!].entries()) t.is(thread.ask(applicant(i)).kind, 'place');
  t.is(wordOf(b!.ask(applicant(9))), 'tenant concurrency');
  t.is(b!.ask(applicant(10, {}, OTHER_TENANT)).kind, 'place');
});

test('places that a function keeps are nobody else’s, used or not', (t) => {
  const { table, threads } = admissions(1, { concurrency: 5 });
  const keeper = applicant(0, { reservedConcurrency: 2 });
  table.setState(TENANT, STATE.reservedByParts, 2);
  const [a] = threads;
  for (let i = 0; i < 3; i++) t.is(a!.ask(applicant(1)).kind, 'place');
  t.is(wordOf(a!.ask(applicant(1))), 'tenant concurrency', 'two of the five are kept');
  t.is(a!.ask(keeper).kind, 'place');
  t.is(a!.ask(keeper).kind, 'place');
  t.is(wordOf(a!.ask(keeper)), 'tenant concurrency');
});

test('a function beyond the places that it keeps uses those that all share', (t) => {
  const { table, threads } = admissions(1, { concurrency: 3 });
  table.setState(TENANT, STATE.reservedByParts, 1);
  const keeper = applicant(0, { reservedConcurrency: 1 });
  const places = [1, 2, 3].map(() => placeOf(threads[0]!.ask(keeper)));
  t.is(wordOf(threads[0]!.ask(applicant(1))), 'tenant concurrency');
  // The kept place becomes free: still nobody else's. A shared one: anybody's.
  places[0]!.leave(0);
  t.is(wordOf(threads[0]!.ask(applicant(1))), 'tenant concurrency');
  places[1]!.leave(0);
  t.is(threads[0]!.ask(applicant(1)).kind, 'place');
});

test('places of the host that a tenant keeps are free for it when all others are taken', (t) => {
  const { table, threads } = admissions(2, { reservedConcurrency: 1 }, new ManualClock(), 3);
  table.setState(HOST, STATE.reservedByParts, 1);
  const [a, b] = threads;
  const other = applicant(5, {}, OTHER_TENANT);
  const place = placeOf(a!.ask(other));
  t.is(b!.ask(other).kind, 'place');
  t.is(a!.ask(other).kind, 'host-busy');
  t.is(b!.ask(applicant()).kind, 'place');
  t.is(a!.ask(applicant()).kind, 'host-busy', 'beyond what it keeps it is as everybody');
  place.leave(0);
  t.is(a!.ask(applicant()).kind, 'place');
});

test('memory is counted by what invocations may grow to', (t) => {
  const [a, b] = admissions(2, { memoryBytes: 100 * MiB }).threads;
  const place = placeOf(a!.ask(applicant(0, { memoryBytes: 64 * MiB })));
  t.is(wordOf(b!.ask(applicant(1, { memoryBytes: 64 * MiB }))), 'tenant memoryBytes');
  t.is(b!.ask(applicant(1, { memoryBytes: 36 * MiB })).kind, 'place');
  place.leave(0);
  t.is(b!.ask(applicant(1, { memoryBytes: 64 * MiB })).kind, 'place');
});

test('requests of a tenant come in bursts up to its burst and then at its rate, whatever thread they reach', (t) => {
  const clock = new ManualClock();
  const { threads } = admissions(3, { requestsPerSecond: 10, requestBurst: 4 }, clock);
  const ask = (i: number): Verdict => threads[i % 3]!.ask(applicant(i));
  for (let i = 0; i < 4; i++) t.is(ask(i).kind, 'place');
  const refused = ask(4);
  t.is(wordOf(refused), 'tenant requestsPerSecond');
  t.is(resetAfter(refused, clock), 100);
  clock.pass(99);
  t.is(wordOf(ask(5)), 'tenant requestsPerSecond');
  clock.pass(1);
  t.is(ask(6).kind, 'place');
  t.is(wordOf(ask(7)), 'tenant requestsPerSecond');
  clock.pass(10_000);
  t.deepEqual(
    Array.from({ length: 6 }, (_, i) => ask(i).kind),
    ['place', 'place', 'place', 'place', 'quota', 'quota'],
    'a pause fills the bucket, not more than that',
  );
});

test('a refusal takes nothing: neither of the rate nor of the places', (t) => {
  const clock = new ManualClock();
  const { table, threads } = admissions(1, { concurrency: 1, requestsPerSecond: 1, requestBurst: 2 }, clock);
  const place = placeOf(threads[0]!.ask(applicant()));
  for (let i = 0; i < 100; i++) t.is(wordOf(threads[0]!.ask(applicant())), 'tenant concurrency');
  place.leave(0);
  t.is(table.tenantCount(TENANT, TENANT_COUNT.common), 0);
  t.is(table.memoryBytes(TENANT), 0);
  t.is(threads[0]!.ask(applicant()).kind, 'place', 'the second of the burst is still there');
});

test('a function may have a rate of its own below the rate of its tenant', (t) => {
  const { threads } = admissions(1, { requestsPerSecond: 100, requestBurst: 100 });
  const slow = applicant(3, { requestsPerSecond: 1, requestBurst: 1 });
  t.is(threads[0]!.ask(slow).kind, 'place');
  t.is(wordOf(threads[0]!.ask(slow)), 'function requestsPerSecond');
  t.is(threads[0]!.ask(applicant(4)).kind, 'place');
});

test('fuel of an invocation is paid for when it ends, by waiting', (t) => {
  const clock = new ManualClock();
  const [a, b] = admissions(2, { fuelPerSecond: 1_000_000 }, clock).threads;
  placeOf(a!.ask(applicant())).leave(3_000_000);
  const refused = b!.ask(applicant());
  t.is(wordOf(refused), 'tenant fuelPerSecond');
  t.is(resetAfter(refused, clock), 2_000);
  clock.pass(1_999);
  t.is(wordOf(b!.ask(applicant())), 'tenant fuelPerSecond');
  clock.pass(1);
  t.is(b!.ask(applicant()).kind, 'place');
});

test('fuel of a month is there again when the next one begins', (t) => {
  const clock = new ManualClock();
  clock.epochMs = Date.UTC(2026, 11, 31, 23, 59, 59);
  const { threads, table } = admissions(2, { fuelPerMonth: 1_000 }, clock);
  placeOf(threads[0]!.ask(applicant())).leave(999);
  placeOf(threads[1]!.ask(applicant())).leave(500);
  t.is(table.state(TENANT, STATE.fuelOfMonth), 1_499, 'one invocation may overshoot');
  const refused = threads[0]!.ask(applicant());
  t.is(wordOf(refused), 'tenant fuelPerMonth');
  t.is(resetAfter(refused, clock), 1_000);
  clock.pass(1_000);
  t.is(threads[0]!.ask(applicant()).kind, 'place');
  t.is(table.state(TENANT, STATE.fuelOfMonth), 0);
});

test('outbound requests have a rate, outbound bytes a month', (t) => {
  const clock = new ManualClock();
  const [a, b] = admissions(2, { outboundRequestsPerSecond: 2, outboundBytesPerMonth: 100 }, clock).threads;
  t.is(a!.takeOutbound(TENANT), undefined);
  t.is(b!.takeOutbound(TENANT), undefined);
  t.is(a!.takeOutbound(TENANT)?.name, 'outboundRequestsPerSecond');
  clock.pass(1_000);
  t.true(a!.takeOutboundBytes(TENANT, 100));
  t.false(b!.takeOutboundBytes(TENANT, 1));
  t.is(a!.takeOutbound(TENANT)?.name, 'outboundBytesPerMonth');
});

test('a thread that died gives its places back', (t) => {
  const { table, threads } = admissions(2, { concurrency: 2 });
  threads[0]!.ask(applicant(3));
  threads[0]!.ask(applicant(4));
  t.deepEqual(table.running(0), [3, 4]);
  t.is(wordOf(threads[1]!.ask(applicant())), 'tenant concurrency');
  table.clearThread(0);
  t.is(threads[1]!.ask(applicant()).kind, 'place');
  t.is(table.tenantCount(TENANT, TENANT_COUNT.common), 1);
  t.is(table.tenantCount(HOST, TENANT_COUNT.common), 1);
});
