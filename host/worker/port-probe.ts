import { createServer } from 'node:net';
import { ListenError } from './worker-pool.ts';

/**
 * The threads share their address (`reusePort`), and the kernel would let a second host of the same user share
 * it, too. A plain listener finds that out first.
 *
 * @throws ListenError somebody listens there, or may not be listened to
 */
export async function refuseTakenPort(host: string, port: number): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      reject(new ListenError(`cannot listen on ${host}:${port}: ${error.message}`, error.code ?? ''));
    });
    probe.listen({ host, port, exclusive: true }, () => probe.close(() => resolve()));
  });
}
