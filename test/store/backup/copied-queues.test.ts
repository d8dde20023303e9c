/** Queues are copied as of one moment, while they are in use. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SqliteQueues } from '../../../host/store/queues/sqlite-queues.ts';
import { orders, settings, textMessage } from '../queues/conformance/harness.ts';
import { VirtualClock } from '../queues/virtual-clock.ts';

const signal = new AbortController().signal;

function newFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-copied-queues-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function waiting(engine: SqliteQueues): Promise<number> {
  return (await engine.counts(orders)).ready;
}

async function sendOne(engine: SqliteQueues, text: string): Promise<void> {
  await engine.send(orders, settings, [textMessage(text)]);
}

for (const [size, bodies] of [
  ['of a few pages', 1],
  ['of several steps', 60],
] as const) {
  test(`a copy of a file ${size} has what was accepted when it was cut, and nothing later`, async (t) => {
    const folder = newFolder(t);
    // Told at once, so that a turn is enough to see whether something was committed.
    await using engine = new SqliteQueues({ path: join(folder, 'events.db'), sync: async () => {} });
    const large = 'x'.repeat(20_000);
    for (let i = 0; i < bodies; i++) await sendOne(engine, large);

    let sending = true;
    let accepted = bodies;
    const sender = (async () => {
      while (sending) {
        await sendOne(engine, 'small');
        accepted++;
      }
    })();
    let acceptedAtCut = 0;
    let wasHeld = false;
    await engine.copyTo({ path: join(folder, 'copy.db'), signal }, async () => {
      acceptedAtCut = accepted;
      const late = sendOne(engine, 'late').then(() => 'sent' as const);
      const turns = (async () => {
        for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
        return 'held' as const;
      })();
      wasHeld = (await Promise.race([late, turns])) === 'held';
      void late.then(() => accepted++);
    });
    sending = false;
    await sender;
    t.true(wasHeld, 'nobody changes the queues until the rest of the moment is copied');
    t.true((await waiting(engine)) > acceptedAtCut);

    await using copy = new SqliteQueues({ path: join(folder, 'copy.db') });
    const copied = await waiting(copy);
    // One may be committed and not told of yet.
    t.true(copied === acceptedAtCut || copied === acceptedAtCut + 1, `${copied} of ${acceptedAtCut}`);
  });
}

test('queues stand still for half as long as a sender waits, and a backup that takes longer is given up', async (t) => {
  const folder = newFolder(t);
  const clock = new VirtualClock();
  await using engine = new SqliteQueues({
    path: join(folder, 'events.db'),
    now: clock.now,
    setTimer: clock.setTimer,
  });
  await sendOne(engine, 'one');
  const copying = engine.copyTo({ path: join(folder, 'copy.db'), signal }, async () => {
    const sent = sendOne(engine, 'two');
    await clock.advance(2_500);
    await sent;
  });
  await t.throwsAsync(copying, { message: 'queues stood still for 2500 ms' });
  t.is(await waiting(engine), 2);
});

test('a copy that is called off releases the queues', async (t) => {
  const folder = newFolder(t);
  await using engine = new SqliteQueues({ path: join(folder, 'events.db') });
  const stop = new AbortController();
  const copying = engine.copyTo({ path: join(folder, 'copy.db'), signal: stop.signal }, async () => {
    stop.abort(new Error('called off'));
    stop.signal.throwIfAborted();
  });
  await t.throwsAsync(copying, { message: 'called off' });
  await sendOne(engine, 'one');
  t.is(await waiting(engine), 1);
});
