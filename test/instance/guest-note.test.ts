import test from 'ava';
import { createGuestNotes, GuestNote, type GuestOwner } from '../../host/instance/guest-note.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';

const LONGEST = 'x'.repeat(63);

function owner(tenant: string, name: string, version: number, invocationId?: string): GuestOwner {
  const live = { tenant: tenant as TenantName, name: name as FunctionName, version };
  return invocationId === undefined ? { live } : { live, invocationId: invocationId as InvocationId };
}

const ONE = owner('acme', 'hello', 7, '01900000-0000-7000-8000-0000009abcd1');
const OTHER = owner(LONGEST, `y${LONGEST.slice(1)}`, 2 ** 31 - 1, '01900000-0000-7000-8000-0000fedcba0f');

/** Of the second of three threads: as it writes, and as the main thread reads. */
function notes(): { written: GuestNote; read: GuestNote; neighbours: GuestNote[] } {
  const buffer = createGuestNotes(3);
  return {
    written: new GuestNote(buffer, 1),
    read: new GuestNote(buffer, 1),
    neighbours: [new GuestNote(buffer, 0), new GuestNote(buffer, 2)],
  };
}

function seen({ live, invocationId }: GuestOwner) {
  return { tenant: live.tenant, name: live.name, version: live.version, idEnd: invocationId?.slice(-8) };
}

test('whose guest a thread is in can be read elsewhere, and when it is in none', (t) => {
  const { written, read, neighbours } = notes();
  t.is(read.guest, undefined);
  for (const each of [ONE, OTHER, owner('acme', 'hello', 8), ONE]) {
    const depth = written.enter(each);
    t.deepEqual(read.guest, seen(each));
    written.leave(depth);
    t.is(read.guest, undefined);
  }
  t.deepEqual(
    neighbours.map(({ beats, guest }) => [beats, guest]),
    [
      [0, undefined],
      [0, undefined],
    ],
  );
});

test('a guest that is called by its host in the midst of a call of it is still there afterwards', (t) => {
  const { written, read } = notes();
  const outer = written.enter(ONE);
  const inner = written.enter(ONE);
  written.leave(inner);
  t.deepEqual(read.guest, seen(ONE));
  written.leave(outer);
  t.is(read.guest, undefined);
});

test('one that is parked is not there, and is when it goes on', (t) => {
  const { written, read } = notes();
  const depth = written.enter(ONE);
  written.pause();
  written.leave(depth);
  t.is(read.guest, undefined);
  written.leave(written.enter(OTHER));
  written.goOn(ONE);
  t.deepEqual(read.guest, seen(ONE));
  written.pause();
  t.is(read.guest, undefined);
});

test('it moves on with each entry, each slice and each turn of the event loop', (t) => {
  const { written, read } = notes();
  const steps = [
    () => void written.enter(ONE),
    () => written.beat(),
    () => written.goOn(ONE),
    () => written.turn(),
  ];
  for (const step of steps) {
    const before = read.beats;
    step();
    t.not(read.beats, before);
  }
  t.is(read.guest, undefined, 'the event loop has no guest on its stack');
});

test('of more functions than there is room for names, each is named when it is entered', (t) => {
  const { written, read } = notes();
  const owners = Array.from({ length: 1_030 }, (_, i) => owner(`tenant-${i}`, 'hello', i));
  for (const each of [...owners, ...owners.slice(0, 10), ...owners.slice(-10)]) {
    const depth = written.enter(each);
    t.deepEqual(read.guest, seen(each));
    written.leave(depth);
  }
});

test('what a thread that is gone has noted is not the next one’s', (t) => {
  const { written, read } = notes();
  written.enter(ONE);
  read.clear();
  t.deepEqual([read.guest, read.beats], [undefined, 0]);
});
