import test from 'ava';
import { ArtifactCollection } from '../../host/store/artifact-collection.ts';

function storeOf(...keys: string[]) {
  const stored = new Set(keys);
  const used = new Set<string>();
  const reports: string[] = [];
  const collection = new ArtifactCollection({
    keys: async () => [...stored],
    inUse: () => used,
    remove: async (key) => void stored.delete(key),
    report: (message) => reports.push(message),
  });
  return { stored, used, reports, collection };
}

test('what no version names is removed, and nothing else', async (t) => {
  const { stored, used, collection } = storeOf('a', 'b', 'c');
  used.add('b');
  await collection.collect();
  t.deepEqual([...stored], ['b']);
});

test('an artifact that a publish has found is not removed before its version is registered', async (t) => {
  const { stored, used, collection } = storeOf('a', 'b');
  const gate = Promise.withResolvers<void>();
  const publishing = collection.publishing(async () => {
    await gate.promise;
    used.add('a');
  });
  collection.collectSoon();
  await collection.idle();
  t.deepEqual([...stored], ['a', 'b']);
  gate.resolve();
  await publishing;
  await collection.idle();
  t.deepEqual([...stored], ['a']);
});

test('what is spared stays until then, whoever else collects meanwhile; and for good where that fails', async (t) => {
  const { stored, used, collection } = storeOf('left', 'failed', 'other');
  const gate = Promise.withResolvers<void>();
  collection.spare('left', gate.promise);
  collection.spare('failed', Promise.reject(new Error('the disk does not say')));
  await collection.collect();
  t.deepEqual([...stored], ['left', 'failed']);
  gate.resolve();
  await gate.promise;
  await new Promise((resolve) => setImmediate(resolve));
  await collection.idle();
  t.deepEqual([...stored], ['failed']);
  t.is(used.size, 0);
});

test('a publish that begins during a collection waits for its end', async (t) => {
  const stored = new Set(['a']);
  const gate = Promise.withResolvers<void>();
  const collection = new ArtifactCollection({
    keys: async () => [...stored],
    inUse: () => new Set(),
    remove: async (key) => {
      await gate.promise;
      stored.delete(key);
    },
    report: () => {},
  });
  collection.collectSoon();
  const found = collection.publishing(async () => stored.has('a'));
  gate.resolve();
  t.false(await found, 'it does not find what is about to go');
});

test('a store that fails is reported, and the next collection tries again', async (t) => {
  const { reports } = storeOf();
  let broken = true;
  const removed: string[] = [];
  const collection = new ArtifactCollection({
    keys: async () => ['a'],
    inUse: () => new Set(),
    remove: async (key) => {
      if (broken) throw new Error('disk');
      removed.push(key);
    },
    report: (message) => reports.push(message),
  });
  await collection.collect();
  t.is(reports.length, 1);
  broken = false;
  await collection.collect();
  t.deepEqual(removed, ['a']);
});
