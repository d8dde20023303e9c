import { Socket } from 'node:net';
import { MayflyError } from '../errors/errors.ts';
import type { ConnectionLedger } from '../worker/connection-ledger.ts';
import type { Descriptors } from '../worker/descriptors.ts';
import { writeProblem } from './write-problem.ts';

/** How long a caller who still sends may take to notice that it was answered. */
const LINGER_MS = 1_000;

/**
 * For the main thread, when a serving thread has ended: whoever waited for an answer of it gets one, whoever had a part
 * of one sees it break off, and whoever asked for nothing sees its connection closed.
 *
 * @param cause why the thread ended
 */
export function answerForLostThread(ledger: ConnectionLedger, descriptors: Descriptors, cause: string): void {
  const error = new MayflyError('worker_lost', `The serving thread was lost: ${cause}.`);
  for (const { fd, isOwed } of ledger.takeAll()) {
    if (isOwed) answer(fd, error);
    else descriptors.close(fd);
  }
}

function answer(fd: number, error: MayflyError): void {
  const socket = new Socket({ fd, readable: true, writable: true });
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once('close', () => clearTimeout(timer));
  socket.once('end', () => socket.destroy());
  // What the caller sends meanwhile is dropped: with bytes unread, the kernel would reset the connection and take the
  // answer along.
  socket.resume();
  writeProblem(socket, error, () => {});
}
