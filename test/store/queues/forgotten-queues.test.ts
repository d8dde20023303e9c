import test from 'ava';
import type { QueueName, TenantName } from '../../../host/model/ids.ts';
import { defaultQueueSettings, type QueueId, queueKey } from '../../../host/model/queue.ts';
import { ForgottenQueues } from '../../../host/store/queues/forgotten-queues.ts';
import type { QueueEngine } from '../../../host/store/queues/queue-engine.ts';

const queueNamed = (name: string): QueueId => ({
  kind: 'queue',
  tenant: 'acme' as TenantName,
  name: name as QueueName,
});

/** Writes down what reaches the engine; a removal ends when the test says how. */
function fixture(noted: QueueId[] = [], removed: (queue: QueueId) => void = () => {}) {
  const calls: string[] = [];
  const removals: PromiseWithResolvers<void>[] = [];
  const retries: (() => void)[] = [];
  const reports: string[] = [];
  const listeners: ((queue: QueueId) => void)[] = [];
  const engine = {
    send: async (queue: QueueId) => void calls.push(`send ${queue.name}`),
    counts: async (queue: QueueId) => void calls.push(`counts ${queue.name}`),
    remove: (queue: QueueId) => {
      calls.push(`remove ${queue.name}`);
      const removal = Promise.withResolvers<void>();
      removals.push(removal);
      return removal.promise;
    },
    [Symbol.asyncDispose]: async () => void calls.push('disposed'),
  } as unknown as QueueEngine;
  const queues = new ForgottenQueues({
    engine,
    table: {
      removals: () => noted,
      removed: (queue) => {
        removed(queue);
        calls.push(`forgotten ${queueKey(queue)}`);
      },
      onRemoval: (listener) => {
        listeners.push(listener);
        return () => void listeners.pop();
      },
    },
    report: (message) => void reports.push(message),
    after: (_, run) => {
      retries.push(run);
      return () => void retries.splice(retries.indexOf(run), 1);
    },
  });
  return { queues, calls, removals, retries, reports, listeners };
}

test('nothing reaches a queue before what its predecessor left is forgotten', async (t) => {
  const { queues, calls, removals } = fixture([queueNamed('old')]);
  const sending = queues.send(queueNamed('old'), defaultQueueSettings(), []);
  await queues.send(queueNamed('other'), defaultQueueSettings(), []);
  t.deepEqual(calls, ['remove old', 'send other']);
  removals[0]!.resolve();
  await sending;
  t.deepEqual(calls, ['remove old', 'send other', 'forgotten acme/queue/old', 'send old']);
  await queues.counts(queueNamed('old'));
  t.is(calls.filter((call) => call.startsWith('remove')).length, 1);
});

test('a removal that is noted while the host runs is made at once', async (t) => {
  const { queues, calls, removals, listeners } = fixture();
  listeners[0]!(queueNamed('a'));
  t.deepEqual(calls, ['remove a']);
  removals[0]!.resolve();
  await queues.settled();
  t.deepEqual(calls, ['remove a', 'forgotten acme/queue/a']);
});

test('while the store is away a removed queue is refused, and forgotten once it is back', async (t) => {
  const { queues, calls, removals, retries, reports } = fixture([queueNamed('old')]);
  removals[0]!.reject(new Error('away'));
  await queues.settled();
  t.deepEqual(reports, ['what was in the removed queue acme/queue/old is still kept']);
  const sending = queues.send(queueNamed('old'), defaultQueueSettings(), []);
  removals.at(-1)!.reject(new Error('still away'));
  await t.throwsAsync(sending, { message: 'still away' });
  t.false(calls.includes('send old'));
  t.is(retries.length, 1);
  retries.shift()!();
  removals.at(-1)!.resolve();
  await queues.settled();
  t.is(calls.at(-1), 'forgotten acme/queue/old');
  t.deepEqual(retries, []);
});

test('a note that could not be taken back, since the disk is full, is tried again', async (t) => {
  let isFull = true;
  const { queues, calls, removals } = fixture([queueNamed('old')], () => {
    if (isFull) throw new Error('full');
  });
  const sending = queues.send(queueNamed('old'), defaultQueueSettings(), []);
  removals[0]!.resolve();
  await t.throwsAsync(sending, { message: 'full' });
  isFull = false;
  const again = queues.send(queueNamed('old'), defaultQueueSettings(), []);
  removals.at(-1)!.resolve();
  await again;
  t.deepEqual(calls, ['remove old', 'remove old', 'forgotten acme/queue/old', 'send old']);
});

test('what waits to be sent to a queue that is removed once more meanwhile is refused', async (t) => {
  const { queues, calls, removals, listeners } = fixture([queueNamed('old')]);
  const sending = queues.send(queueNamed('old'), defaultQueueSettings(), []);
  listeners[0]!(queueNamed('old'));
  removals[0]!.resolve();
  await t.throwsAsync(sending, { code: 'queue_unavailable' });
  t.deepEqual(calls, ['remove old', 'remove old']);
  removals[1]!.resolve();
  await queues.settled();
  t.deepEqual(calls, ['remove old', 'remove old', 'forgotten acme/queue/old']);
});

test('a stop waits for a removal that is under way, and leaves no timer', async (t) => {
  const { queues, calls, removals, retries, listeners } = fixture([queueNamed('old')]);
  const stopped = queues[Symbol.asyncDispose]();
  removals[0]!.resolve();
  await stopped;
  t.deepEqual(calls, ['remove old', 'forgotten acme/queue/old', 'disposed']);
  t.deepEqual([retries.length, listeners.length], [0, 0]);
});
