import test from 'ava';
import type { Admission, Applicant, Place } from '../../host/scheduler/admission.ts';
import { TENANT_COUNT } from '../../host/scheduler/quota-table.ts';
import { WaitingRoom } from '../../host/scheduler/waiting-room.ts';
import { admissions, applicant, type Limits, TENANT } from './quota-fixture.ts';

const PATIENT: Limits = { concurrency: 1, queuedInvocations: 10, queueTimeoutMs: 60_000 };

function placeNow(admission: Admission): Place {
  const verdict = admission.ask(applicant());
  if (verdict.kind !== 'place') throw new Error(verdict.kind);
  return verdict;
}

/** Asks, is queued, and waits. */
function queue(
  admission: Admission,
  room: WaitingRoom,
  who: Applicant = applicant(),
  signal: AbortSignal = new AbortController().signal,
): Promise<string> {
  const verdict = admission.ask(who);
  if (verdict.kind !== 'queued') throw new Error(verdict.kind);
  return room.wait(who, verdict.timeoutMs, signal).then((outcome) => {
    if (outcome?.kind === 'place') outcome.leave(0);
    return outcome?.kind ?? 'gave up';
  });
}

test('who came first is served first, and everybody is', async (t) => {
  const { table, threads } = admissions(1, PATIENT);
  const room = new WaitingRoom(table, threads[0]!);
  const place = placeNow(threads[0]!);
  const served: number[] = [];
  const all = [1, 2, 3, 4].map((i) => queue(threads[0]!, room).then(() => served.push(i)));
  t.is(room.size, 4);
  place.leave(0);
  await Promise.all(all);
  t.deepEqual(served, [1, 2, 3, 4]);
  t.is(table.tenantCount(TENANT, TENANT_COUNT.waiting), 0);
  t.is(table.tenantCount(TENANT, TENANT_COUNT.common), 0);
});

test('a place that becomes free on another thread is heard of', async (t) => {
  const { table, threads } = admissions(2, PATIENT);
  const place = placeNow(threads[0]!);
  const waiting = queue(threads[1]!, new WaitingRoom(table, threads[1]!));
  place.leave(0);
  t.is(await waiting, 'place');
});

test('a newcomer does not pass those who wait', async (t) => {
  const { table, threads } = admissions(2, PATIENT);
  const place = placeNow(threads[0]!);
  const waiting = queue(threads[1]!, new WaitingRoom(table, threads[1]!));
  place.leave(0);
  // The place is free, and the one who waits has not been told yet.
  t.is(threads[0]!.ask(applicant()).kind, 'queued');
  t.is(await waiting, 'place');
});

test('one more than may wait is refused, and who has waited long enough is, too', async (t) => {
  const { table, threads } = admissions(1, { ...PATIENT, queuedInvocations: 2, queueTimeoutMs: 20 });
  const room = new WaitingRoom(table, threads[0]!);
  placeNow(threads[0]!);
  const waiting = [queue(threads[0]!, room), queue(threads[0]!, room)];
  t.is(threads[0]!.ask(applicant()).kind, 'quota');
  t.deepEqual(await Promise.all(waiting), ['quota', 'quota']);
  t.is(table.tenantCount(TENANT, TENANT_COUNT.waiting), 0);
});

test('who hangs up waits no longer, and is passed over', async (t) => {
  const { table, threads } = admissions(1, PATIENT);
  const room = new WaitingRoom(table, threads[0]!);
  const place = placeNow(threads[0]!);
  const hangUp = new AbortController();
  const first = queue(threads[0]!, room, applicant(), hangUp.signal);
  const second = queue(threads[0]!, room);
  hangUp.abort();
  t.is(await first, 'gave up');
  place.leave(0);
  t.is(await second, 'place');
});

test('one whose function is busy lets others pass, and has its turn later', async (t) => {
  const { table, threads } = admissions(1, { ...PATIENT, concurrency: 2 });
  const admission = threads[0]!;
  const room = new WaitingRoom(table, admission);
  const holders = [placeNow(admission), placeNow(admission)];
  const single = applicant(8, { concurrency: 1 });
  admission.ask(single);
  const first = room.wait(single, 60_000, new AbortController().signal);
  const second = queue(admission, room, single);
  const third = queue(admission, room, applicant(7));
  for (const holder of holders) holder.leave(0);
  t.is(await third, 'place');
  const running = await first;
  t.is(table.tenantCount(TENANT, TENANT_COUNT.waiting), 1);
  if (running?.kind === 'place') running.leave(0);
  t.is(await second, 'place');
});

test('a room that is cleared keeps nobody', async (t) => {
  const { table, threads } = admissions(1, PATIENT);
  const room = new WaitingRoom(table, threads[0]!);
  placeNow(threads[0]!);
  const waiting = [queue(threads[0]!, room), queue(threads[0]!, room)];
  room.clear();
  t.deepEqual(await Promise.all(waiting), ['gave up', 'gave up']);
  t.is(table.tenantCount(TENANT, TENANT_COUNT.waiting), 0);
});
