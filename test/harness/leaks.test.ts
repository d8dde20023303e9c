import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { LeakCheck } from './leaks.ts';

test.serial('what is left open is named, and what was closed is not', async (t) => {
  const leaks = new LeakCheck();
  await leaks.settled(0);

  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await t.throwsAsync(leaks.settled(0), { message: /1 TCPServerWrap/ });
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(socket, 'connect');
  await t.throwsAsync(leaks.settled(0), { message: /[12] TCPSocketWrap/ });
  socket.destroy();
  server.close();
  await leaks.settled();
});

test.serial('a thread and a child process that still run are named', async (t) => {
  const leaks = new LeakCheck();
  const worker = new Worker('setInterval(() => {}, 1000)', { eval: true });
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await Promise.all([once(worker, 'online'), once(child, 'spawn')]);
  await t.throwsAsync(leaks.settled(0), { message: /1 thread.*1 child process|1 child process.*1 thread/ });
  await worker.terminate();
  child.kill();
  await leaks.settled();
});
