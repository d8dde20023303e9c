import test from 'ava';
import { Deadlines } from '../../host/instance/deadlines.ts';
import { DelayQueue } from '../../host/instance/delay-queue.ts';

test('what is not taken back happens once, in order, and not before its time', async (t) => {
  const waitMs = 20;
  const queue = new DelayQueue(waitMs);
  const startMs = performance.now();
  const happened: string[] = [];
  const done = Promise.withResolvers<void>();
  queue.add(() => happened.push('first'));
  const takenBack = queue.add(() => happened.push('taken back'));
  queue.add(() => {
    happened.push('last');
    t.true(performance.now() - startMs >= waitMs);
    done.resolve();
  });
  queue.delete(takenBack);
  await done.promise;
  t.deepEqual(happened, ['first', 'last']);
});

test('what comes while others wait has its own time to wait', async (t) => {
  const waitMs = 30;
  const queue = new DelayQueue(waitMs);
  const first = Promise.withResolvers<number>();
  const second = Promise.withResolvers<number>();
  queue.add(() => first.resolve(performance.now()));
  await new Promise((resolve) => setTimeout(resolve, waitMs / 2));
  const addedMs = performance.now();
  queue.add(() => second.resolve(performance.now()));
  const firstMs = await first.promise;
  const secondMs = await second.promise;
  t.true(secondMs - addedMs >= waitMs, `it waited ${secondMs - addedMs} ms`);
  t.true(firstMs <= secondMs);
});

test('deadlines of one length share a queue, which is given up when nobody came for as long', async (t) => {
  const deadlines = new Deadlines();
  const late = Promise.withResolvers<void>();
  const queue = deadlines.of(20);
  t.is(deadlines.of(20), queue);
  t.not(deadlines.of(21), queue);
  queue.delete(queue.add(() => t.fail('it was taken back')));
  queue.add(() => late.resolve());
  await late.promise;
  t.not(deadlines.of(20), queue);
});
