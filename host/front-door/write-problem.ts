import type { Duplex } from 'node:stream';
import { type MayflyError, retryFields, toProblemDetails } from '../errors/errors.ts';

/** An answer where there is no ServerResponse to write it; the last one on its connection. */
export function writeProblem(socket: Duplex, error: MayflyError, onEnd = () => void socket.destroy()): void {
  const problem = toProblemDetails(error);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
    ...retryFields(error).map(([name, value]) => `${name}: ${value}`),
  ];
  // A caller that is gone meanwhile is no news.
  socket.on('error', () => {});
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, onEnd);
}
