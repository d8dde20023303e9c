import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { EventLoopWatch } from '../../host/scheduler/event-loop-watch.ts';
import type { WatchedLoopAnswer, WatchedLoopData } from './watched-loop.ts';

async function answerOf(thread: Worker): Promise<WatchedLoopAnswer> {
  const [answer] = (await once(thread, 'message')) as [WatchedLoopAnswer];
  return answer;
}

test('a loop is quiet until a byte or a message comes, and again when it has been fetched', async (t) => {
  const awaited = new SharedArrayBuffer(4);
  const send = [() => void socket.write('x'), () => thread.postMessage('x')];
  const thread = new Worker(new URL('./watched-loop.ts', import.meta.url), {
    workerData: { arrivals: send.length, awaited } satisfies WatchedLoopData,
  });
  const ready = await answerOf(thread);
  if (!('port' in ready)) throw new Error('the thread answers before it listens');
  const socket = connect(ready.port, '127.0.0.1').setNoDelay(true);
  await once(socket, 'connect');
  const answer = answerOf(thread);
  const count = new Int32Array(awaited);
  for (const [before, sendOne] of send.entries()) {
    const waiting = Atomics.waitAsync(count, 0, before);
    if (waiting.async) await Promise.race([waiting.value, answer]);
    sendOne();
  }
  t.deepEqual(await answer, { noticed: send.map(() => true), isQuietAfterClose: false });
  socket.destroy();
  await once(thread, 'exit');
});

test('a loop that waits for no socket of the server cannot be watched', async (t) => {
  t.is(await EventLoopWatch.of(createServer()), undefined);
});
