import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type ExecutionContext } from 'ava';
import { DatabaseOpenError } from '../../../host/store/database.ts';
import type {
  FromCheckpointThread,
  ToCheckpointThread,
} from '../../../host/store/queues/sqlite/checkpoint-messages.ts';
import { Checkpoints, type CheckpointThread } from '../../../host/store/queues/sqlite/checkpoints.ts';
import { SqliteQueues } from '../../../host/store/queues/sqlite-queues.ts';
import { LeakCheck } from '../../harness/leaks.ts';
import {
  claimSome,
  countsOf,
  orders,
  send,
  settings,
  settleAll,
  textMessage,
} from './conformance/harness.ts';
import { auditQueues } from './sqlite-audit.ts';
import { VirtualClock } from './virtual-clock.ts';

const leaks = new LeakCheck();
test.after.always(() => leaks.settled());

const PAGE = 4_096;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function newPath(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'mayfly-checkpoints-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, 'queues.db');
}

/** Sends and settles messages of 2 KB. */
async function move(engine: SqliteQueues, batches: number): Promise<void> {
  const body = Buffer.alloc(2_000, 'x');
  for (let batch = 0; batch < batches; batch++) {
    await engine.send(
      orders,
      settings,
      Array.from({ length: 50 }, () => textMessage('', { body })),
    );
    await settleAll(engine, await claimSome(engine, { maxMessages: 50 }));
  }
}

/** A log, and the thread that copies it, played by the test. */
function playedCheckpoints(t: ExecutionContext) {
  const path = newPath(t);
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE t (body BLOB)');
  const clock = new VirtualClock();
  const posted: ToCheckpointThread['kind'][] = [];
  const holds: boolean[] = [];
  const reports: string[] = [];
  let tell: (message: FromCheckpointThread) => void = () => {};
  const end = Promise.withResolvers<void>();
  const checkpoints = new Checkpoints({
    path,
    database,
    setTimer: clock.setTimer,
    hold() {
      holds.push(true);
      return { [Symbol.dispose]: () => void holds.push(false) };
    },
    report: (message) => reports.push(message),
    pages: { pass: 10, restart: 20, most: 60 },
    startThread(hear): CheckpointThread {
      tell = hear;
      return {
        post({ kind }) {
          posted.push(kind);
          if (kind === 'end') end.resolve();
        },
        ended: end.promise,
      };
    },
  });
  t.teardown(async () => {
    await checkpoints.end();
    database.close();
    checkpoints.close();
  });
  return {
    clock,
    posted,
    holds,
    reports,
    tell: (message: FromCheckpointThread) => tell(message),
    /** As the thread would. */
    copy(): void {
      database.exec('PRAGMA wal_checkpoint(PASSIVE)');
      tell({ kind: 'passed' });
    },
    request: () => checkpoints.request(),
    /** A transaction of that many pages. */
    write(pages: number): void {
      database.prepare('INSERT INTO t VALUES (?)').run(Buffer.alloc(pages * PAGE));
      checkpoints.committed();
    },
  };
}

test('the log of a file that is busy stays short, is copied by another thread, and nothing is lost on the way', async (t) => {
  const path = newPath(t);
  {
    await using engine = new SqliteQueues({
      path,
      checkpoints: { pages: { pass: 20, restart: 60, most: 400 } },
    });
    await send(engine, ['a', 'b', 'c'], { groupKey: 'g' });
    const held = await claimSome(engine);
    // Some 10 MB go through the log.
    await move(engine, 60);
    const pages = statSync(`${path}-wal`).size / (PAGE + 24);
    // One transaction and one pass more than its bound.
    t.true(pages < 900, `${pages} pages`);
    t.true(statSync(path).size > 20 * PAGE, 'copied while it is open');
    t.deepEqual(await countsOf(engine), [0, 0, 3, 0]);
    await settleAll(engine, held, (id) => ({ id, kind: 'release', atMs: 0 }));
  }
  t.deepEqual(auditQueues(path), []);
  await using engine = new SqliteQueues({ path });
  t.is((await claimSome(engine)).messages.length, 3);
});

test('a pass begins when there is enough to copy; the log begins anew in a pause, which ends with it', (t) => {
  const { write, copy, posted, holds, tell } = playedCheckpoints(t);
  write(4);
  t.deepEqual(posted, []);
  write(8);
  t.deepEqual(posted, ['pass']);
  write(1);
  t.deepEqual(posted, ['pass'], 'one at a time');
  // What was written meanwhile is not copied yet, and little: no pause.
  copy();
  t.deepEqual(holds, []);
  write(24);
  t.deepEqual(posted, ['pass', 'pass']);
  write(1);
  tell({ kind: 'passed' });
  t.deepEqual([holds, posted.length], [[true], 3]);
  copy();
  t.deepEqual([holds, posted.length], [[true, false], 3]);
});

test('a pass that is asked for is made however little there is, also behind one that is under way', (t) => {
  const { write, copy, request, posted, holds } = playedCheckpoints(t);
  request();
  write(1);
  t.deepEqual(posted, ['pass']);
  request();
  write(1);
  t.deepEqual(posted, ['pass']);
  copy();
  t.deepEqual([posted, holds], [['pass', 'pass'], []]);
  copy();
  t.deepEqual([posted, holds], [['pass', 'pass'], []]);
});

test('a log that grows too fast waits for the pass that is under way', (t) => {
  const { write, copy, holds } = playedCheckpoints(t);
  write(40);
  t.deepEqual(holds, []);
  write(40);
  t.deepEqual(holds, [true]);
  copy();
  t.deepEqual(holds, [true, false]);
});

test('after a disk that has failed nothing is copied any more, and the log stops at its bound', async (t) => {
  const { write, posted, holds, reports, tell, clock } = playedCheckpoints(t);
  write(15);
  tell({ kind: 'failed', message: 'disk I/O error', errcode: 10 | (4 << 8) });
  t.is(reports.length, 1);
  write(15);
  await clock.advance(60_000);
  t.deepEqual([posted, holds], [['pass'], []]);
  write(40);
  t.deepEqual([posted, holds], [['pass'], [true]]);
});

test('a full disk is tried again', async (t) => {
  const { write, copy, posted, holds, tell, clock } = playedCheckpoints(t);
  write(80);
  tell({ kind: 'failed', message: 'database or disk is full', errcode: 13 });
  t.deepEqual([posted.length, holds], [1, [true]]);
  await clock.advance(1_000);
  t.is(posted.length, 2);
  copy();
  t.deepEqual(holds, [true, false]);
});

test('while the log cannot be copied operations wait, and are refused in time; the engine ends all the same', async (t) => {
  const path = newPath(t);
  const end = Promise.withResolvers<void>();
  // The engine's timers do not.
  const alive = setInterval(() => {}, 60_000);
  t.teardown(() => clearInterval(alive));
  const engine = new SqliteQueues({
    path,
    checkpoints: {
      pages: { pass: 1, restart: 1, most: 1 },
      startThread: () => ({ post: ({ kind }) => kind === 'end' && end.resolve(), ended: end.promise }),
    },
  });
  await send(engine, ['a']);
  const startMs = performance.now();
  await t.throwsAsync(send(engine, ['b']), { code: 'queue_unavailable' });
  t.true(performance.now() - startMs >= 4_000);
  const last = send(engine, ['c']);
  await engine[Symbol.asyncDispose]();
  t.is((await last).length, 1);
  t.deepEqual(auditQueues(path), []);
});

test('a file that has become too large is made shorter when nobody asks for anything', async (t) => {
  const path = newPath(t);
  await using engine = new SqliteQueues({ path });
  const body = Buffer.alloc(2_000, 'x');
  const messages = Array.from({ length: 1_000 }, () => textMessage('', { body }));
  for (let call = 0; call < 12; call++) await engine.send(orders, settings, messages);
  await send(engine, ['kept'], { groupKey: 'g' });
  const kept = await claimSome(engine, { maxMessages: 1_000 });
  t.is(await engine.purge(orders, 'waiting'), 12_001 - kept.messages.length);
  // A quarter of what it was, and what is kept free for what comes.
  while (statSync(path).size > 8 * 2 ** 20) await turn();
  t.true(await settleAll(engine, kept));
  t.deepEqual(await countsOf(engine), [0, 0, 0, 0]);
});

test('a file of an earlier release is used as it is, and does not shrink', async (t) => {
  const path = newPath(t);
  {
    using database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL; CREATE TABLE filler (body BLOB)');
    database.prepare('INSERT INTO filler VALUES (?)').run(Buffer.alloc(16 * 2 ** 20));
    database.exec('DROP TABLE filler');
  }
  const before = statSync(path).size;
  {
    await using engine = new SqliteQueues({ path });
    await move(engine, 1);
    await turn();
  }
  t.is(statSync(path).size, before);
  t.deepEqual(auditQueues(path), []);
});

test('a file has one owner', async (t) => {
  const path = newPath(t);
  {
    await using _engine = new SqliteQueues({ path });
    const error = t.throws(() => new SqliteQueues({ path }), { instanceOf: DatabaseOpenError });
    t.regex(error.message, /queues\.db: .*another host/);
  }
  await using engine = new SqliteQueues({ path });
  t.is((await send(engine, ['a'])).length, 1);
});
