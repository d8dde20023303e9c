/** Events on their way from the main thread to serving threads and back. */
import { once } from 'node:events';
import type { Worker } from 'node:worker_threads';
import test from 'ava';
import { MayflyError } from '../../host/errors/errors.ts';
import type { ArtifactMessage } from '../../host/instance/artifact.ts';
import type { EventDelivery, EventInvocation, EventOutcome } from '../../host/model/event-invocation.ts';
import type { FunctionName, InvocationId, TenantName } from '../../host/model/ids.ts';
import { refusedEvent } from '../../host/worker/event-refusal.ts';
import type { ToWorker } from '../../host/worker/messages.ts';
import { packEvents, type ThreadEvent, unpackEvents } from '../../host/worker/packed-events.ts';
import { ThreadDeliveries } from '../../host/worker/thread-deliveries.ts';
import { artifactMessageOf } from '../harness/artifact.ts';
import { createArtifactPool } from '../harness/artifact-pool.ts';
import { eventGuest } from '../harness/event-guests.ts';
import { batch, event, message, TRACEPARENT, tick } from '../harness/event-serving.ts';

let artifact: ArtifactMessage;
const threads: Worker[] = [];

test.before(async () => {
  process.on('worker', (worker) => void threads.push(worker));
  artifact = await artifactMessageOf(await eventGuest('queue'));
});

function invocation(delivery: EventDelivery, traceparent?: string): EventInvocation {
  const id = { tenant: 'acme' as TenantName, name: 'worker' as FunctionName };
  return { ...id, delivery, ...(traceparent === undefined ? {} : { traceparent }) };
}

const DONE: EventOutcome = { kind: 'returned', invocationId: 'i' as InvocationId, fuel: 1, failures: [] };

const idOf = (index: number): InvocationId => `i${index}` as InvocationId;

function fakeThread(limit = 10) {
  const sent: ToWorker[] = [];
  const turns: (() => void)[] = [];
  const deliveries = new ThreadDeliveries({
    send: (said, transfer) => void sent.push(structuredClone(said, { transfer: [...transfer] })),
    nowMs: () => 0,
    later: (run) => void turns.push(run),
    limit,
  });
  const endTurn = (): void => {
    for (const run of turns.splice(0)) run();
  };
  return { sent, deliveries, endTurn };
}

function eventsIn(sent: readonly ToWorker[]): ThreadEvent[] {
  return sent.flatMap((said) => (said.kind === 'deliver' ? said.parcels.flatMap(unpackEvents) : []));
}

test('what is packed is unpacked as it was, and the sender keeps its bodies', (t) => {
  const full = message('m0', 'grüße', {
    groupKey: 'g',
    deduplicationKey: 'd',
    deliverAtMs: 5,
    lastCause: { code: 'item_failed', detail: 'so' },
    attributes: { 'ce-type': 'x' },
  });
  const deliveries: readonly EventDelivery[] = [
    {
      kind: 'batch',
      source: 'orders',
      messages: [full, message('m1', ''), message('m2', Uint8Array.of(0, 255))],
    },
    event('alone'),
    tick('tock'),
  ];
  const given = deliveries.map((delivery, id) => ({
    id: idOf(id),
    invocation: invocation(delivery, TRACEPARENT),
  }));
  const before = structuredClone(given);
  const got = packEvents(given).flatMap((parcel) =>
    unpackEvents(structuredClone(parcel, { transfer: [parcel.messages.buffer] })),
  );
  t.deepEqual(structuredClone(got), before);
  t.deepEqual(structuredClone(given), before);
});

test('messages whose heads are the same keep what is their own', (t) => {
  const attributes = { 'ce-type': 'x' };
  const messages = [
    message('m0', 'a', { attributes }),
    message('m1', 'b', { attributes, attempts: 7, sentAtMs: 1_700_000_000_123 }),
    message('m2', 'c', { attributes, groupKey: 'g' }),
    message('m3', 'd', { attributes, contentType: 'text/html' }),
    message('m4', 'e', { attributes, contentType: 'text/html', lastCause: { code: 'c', detail: 'd' } }),
    message('m5', 'f', { attributes, contentType: 'text/html' }),
    message('m6', 'g', { attributes: { 'ce-type': 'y' }, contentType: 'text/html' }),
  ];
  const given = [{ id: idOf(1), invocation: invocation({ kind: 'batch', source: 'orders', messages }) }];
  t.deepEqual(structuredClone(packEvents(given).flatMap(unpackEvents)), structuredClone(given));
});

test('small events share a buffer, and none keeps much more than its own bodies', (t) => {
  const sizes = [10_000, 20_000, 30_000, 10_000, 300_000, 10, 10];
  const given = sizes.map((size, id) => ({ id: idOf(id), invocation: invocation(batch('x'.repeat(size))) }));
  const parcels = packEvents(given);
  t.deepEqual(
    parcels.map((parcel) => unpackEvents(parcel).map(({ id }) => id)),
    [[0, 1, 2], [3], [4], [5, 6]].map((parcel) => parcel.map(idOf)),
  );
});

test('events of one turn go together; each has the outcome that the thread says, in whatever order', async (t) => {
  const { sent, deliveries, endTurn } = fakeThread();
  const [one, other] = [
    deliveries.deliver(invocation(batch('a'))),
    deliveries.deliver(invocation(batch('b'))),
  ];
  t.is(deliveries.inFlight, 2);
  t.deepEqual(sent, []);
  endTurn();
  t.is(sent.length, 1);
  const ids = eventsIn(sent).map(({ id }) => id);
  endTurn();
  t.is(sent.length, 1, 'there was nothing more');
  deliveries.settle(ids[1]!, { ...DONE, fuel: 2 });
  deliveries.settle(ids[0]!, DONE);
  deliveries.settle(ids[0]!, { ...DONE, fuel: 3 });
  t.like(await one, { fuel: 1 });
  t.like(await other, { fuel: 2 });
  t.is(deliveries.inFlight, 0);
});

test('a thread is asked for so many at a time; the next one is refused', async (t) => {
  const { sent, deliveries, endTurn } = fakeThread(2);
  void deliveries.deliver(invocation(batch('a')));
  void deliveries.deliver(invocation(batch('b')));
  t.like(await deliveries.deliver(invocation(batch('c'))), { kind: 'refused', cause: { code: 'host_busy' } });
  endTurn();
  t.is(eventsIn(sent).length, 2);
});

test('a thread that is lost refuses what it was asked for, and all that comes', async (t) => {
  const { sent, deliveries, endTurn } = fakeThread();
  const pending = deliveries.deliver(invocation(batch('a')));
  endTurn();
  const unsent = deliveries.deliver(invocation(batch('unsent')));
  deliveries.lost('worker_lost', 'it is gone');
  const lost = { kind: 'refused', cause: { code: 'worker_lost', detail: 'it is gone' } };
  t.like(await pending, lost);
  t.like(await unsent, lost);
  endTurn();
  t.like(await deliveries.deliver(invocation(batch('b'))), lost);
  t.is(sent.length, 1);
});

test('what has kept the thread that is lost was an attempt, and nothing else was', async (t) => {
  const { sent, deliveries, endTurn } = fakeThread();
  const keeping = deliveries.deliver(invocation(batch('a')));
  const beside = deliveries.deliver(invocation(batch('b')));
  endTurn();
  const [{ id }] = eventsIn(sent) as [ThreadEvent, ThreadEvent];
  deliveries.lost('worker_lost', 'it is gone', id.slice(-8));
  const cause = { code: 'worker_lost', detail: 'it is gone' };
  t.deepEqual(await keeping, { kind: 'failed', invocationId: id, fuel: 0, cause, isRetryable: true });
  t.like(await beside, { kind: 'refused', cause });
});

test('a refusal says when there may be room: at once for places, later for quotas over time', (t) => {
  const quota = { name: 'q', scope: 'tenant', limit: 1 } as const;
  const after = (error: unknown): number => refusedEvent(error, 1_000).retryAfterMs;
  const overQuota = (rest: object): MayflyError =>
    new MayflyError('quota_exceeded', 'q', { quota: { ...quota, ...rest } });
  t.is(after(overQuota({ resetAtMs: 9_000 })), 50);
  t.is(after(overQuota({ resetAtMs: 1_020.5, windowSeconds: 1 })), 21);
  t.is(after(overQuota({ resetAtMs: 500, windowSeconds: 1 })), 1);
  t.is(after(overQuota({ resetAtMs: 1e12, windowSeconds: 31 * 86_400 })), 60_000);
  t.is(after(new MayflyError('host_busy', 'h')), 50);
  t.is(after(new TypeError('ours')), 5_000);
  t.deepEqual(refusedEvent(new TypeError('ours'), 0).cause.code, 'internal_error');
});

test.serial('threads take turns, and run what they are asked for', async (t) => {
  threads.length = 0;
  const pool = createArtifactPool({ threads: 2, artifact });
  t.like(await pool.deliver(invocation(batch('k'))), { kind: 'refused', cause: { code: 'worker_lost' } });
  await pool.start();
  try {
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        pool.deliver(invocation(batch(i % 2 === 0 ? 'k' : 'e', 'second'))),
      ),
    );
    t.is(outcomes.filter((outcome) => outcome.kind === 'returned').length, 25);
    t.is(outcomes.filter((outcome) => outcome.kind === 'failed').length, 25);
    t.is(
      new Set(outcomes.map((outcome) => (outcome.kind === 'refused' ? '' : outcome.invocationId))).size,
      50,
    );
  } finally {
    await pool.drain(1_000);
  }
  t.like(await pool.deliver(invocation(batch('k'))), { kind: 'refused', cause: { code: 'draining' } });
});

test.serial(
  'events of a thread that dies are refused, those of others are not touched, and another one takes over',
  async (t) => {
    threads.length = 0;
    const pool = createArtifactPool({
      threads: 2,
      artifact,
      configuration: { fuel: 1e15, timeoutMs: 60_000 },
    });
    await pool.start();
    try {
      // One of them on each thread, for ever.
      const running = [pool.deliver(invocation(batch('l'))), pool.deliver(invocation(batch('l')))];
      const first = Promise.race(running.map(async (outcome, i) => [i, await outcome] as const));
      const replaced = once(process, 'worker');
      await threads[0]!.terminate();
      const [lost, outcome] = await first;
      t.like(outcome, { kind: 'refused', cause: { code: 'worker_lost' }, retryAfterMs: 500 });
      await replaced;
      t.like(await pool.deliver(invocation(batch('k'))), { kind: 'returned' });
      await threads[1]!.terminate();
      t.like(await running[1 - lost], { kind: 'refused', cause: { code: 'worker_lost' } });
    } finally {
      await pool.drain(1_000);
    }
  },
);
