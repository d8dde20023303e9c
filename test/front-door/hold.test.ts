import test from 'ava';
import { Hold } from '../../host/front-door/hold.ts';

test('what is not taken back happens once, in order, and not before its time', async (t) => {
  const waitMs = 20;
  const hold = new Hold(waitMs);
  const startMs = performance.now();
  const happened: string[] = [];
  const takenBack = (): void => void happened.push('taken back');
  const done = Promise.withResolvers<void>();
  hold.add(() => happened.push('first'));
  hold.add(takenBack);
  hold.add(() => {
    happened.push('last');
    t.true(performance.now() - startMs >= waitMs);
    done.resolve();
  });
  hold.delete(takenBack);
  await done.promise;
  t.deepEqual(happened, ['first', 'last']);
});

test('what comes while others wait has its own time to wait', async (t) => {
  const waitMs = 30;
  const hold = new Hold(waitMs);
  const first = Promise.withResolvers<number>();
  const second = Promise.withResolvers<number>();
  hold.add(() => first.resolve(performance.now()));
  await new Promise((resolve) => setTimeout(resolve, waitMs / 2));
  const addedMs = performance.now();
  hold.add(() => second.resolve(performance.now()));
  const firstMs = await first.promise;
  const secondMs = await second.promise;
  t.true(secondMs - addedMs >= waitMs, `it waited ${secondMs - addedMs} ms`);
  t.true(firstMs <= secondMs);
});
