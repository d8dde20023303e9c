/** What callers see of a thread whose heap is full, which runs no code any more: an answer, if nothing of theirs is out. */
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { answerForLostThread } from '../../host/front-door/last-answers.ts';
import { ConnectionLedger, createLedgerWords, ledgerCapacity } from '../../host/worker/connection-ledger.ts';
import { openDescriptors } from '../../host/worker/descriptors.ts';
import { RawConnection, statuses } from '../harness/raw-connection.ts';

const CAPACITY = 8;
/** Linux has them; where they are missing these tests fail rather than say nothing. */
const descriptors = openDescriptors()!;

const openFiles = (): number => readdirSync('/proc/self/fd').length;
const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;

/** A thread, and the port it listens on. */
async function startThread(words: ReturnType<typeof createLedgerWords>) {
  const worker = new Worker(new URL('./exhausting-thread.ts', import.meta.url), {
    workerData: words,
    resourceLimits: { maxOldGenerationSizeMb: 32 },
  });
  const [port] = (await once(worker, 'message')) as [number];
  return { worker, port };
}

test('who waits for an answer is told, the rest of an answer breaks off, an idle connection is closed', async (t) => {
  const before = openFiles();
  const words = createLedgerWords(1, CAPACITY);
  const { worker, port } = await startThread(words);
  const [waiting, half, idle, again, piped] = await Promise.all(
    Array.from({ length: 5 }, () => RawConnection.open(port)),
  );
  await waiting!.send(
    `POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n${'x'.repeat(500_000)}`,
  );
  await half!.send(get('/half'));
  await half!.until(/half/);
  await idle!.send(get('/answer'));
  await idle!.until(/whole/);
  await again!.send(get('/answer'));
  await again!.until(/whole/);
  await again!.send(get('/wait'));
  await piped!.send(get('/half') + get('/wait'));
  await piped!.until(/half/);

  const failed = once(worker, 'error');
  // Not `once` of node:events, which rejects with the error.
  const exited = new Promise((resolve) => {
    worker.once('exit', resolve);
  });
  const killer = await RawConnection.open(port);
  await killer.send(get('/fill'));

  const [error] = (await failed) as [NodeJS.ErrnoException];
  t.is(error.code, 'ERR_WORKER_OUT_OF_MEMORY');
  await exited;
  t.false(waiting!.isClosed, 'its connection is open while somebody may answer');
  answerForLostThread(new ConnectionLedger(words, 0, descriptors), descriptors, 'its heap was full');

  for (const connection of [killer, waiting!, again!]) {
    const text = await connection.closed();
    t.is(statuses(text).at(-1), 500);
    t.regex(
      text,
      /retry-after: 1\r\n.*"detail":"The serving thread was lost: its heap was full\.","code":"worker_lost"/s,
    );
  }
  t.deepEqual(statuses(await half!.closed()), [200]);
  t.deepEqual(statuses(await idle!.closed()), [200]);
  t.deepEqual(statuses(await piped!.closed()), [200]);
  while (openFiles() > before) await new Promise((resolve) => setImmediate(resolve));
  t.pass();
});

test('a connection that is closed is closed for its caller, and its place is used again', async (t) => {
  const words = createLedgerWords(1, 1);
  const { worker, port } = await startThread(words);
  for (let i = 0; i < 3; i++) {
    const connection = await RawConnection.open(port);
    await connection.send('GET /answer HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    t.deepEqual(statuses(await connection.closed()), [200]);
  }
  const last = await RawConnection.open(port);
  await last.send(get('/wait'));
  // Beyond the ledger's room, a connection goes without.
  const beyond = await RawConnection.open(port);
  await beyond.send(get('/answer'));
  await beyond.until(/whole/);
  await worker.terminate();
  answerForLostThread(new ConnectionLedger(words, 0, descriptors), descriptors, 'it ended');
  t.deepEqual(statuses(await last.closed()), [500]);
  t.deepEqual(statuses(await beyond.closed()), [200]);
});

test('the ledger leaves two thirds of the descriptors to others', (t) => {
  t.is(ledgerCapacity(1, 10), 10);
  t.true(ledgerCapacity(2, 2 ** 30) < 2 ** 30);
});
