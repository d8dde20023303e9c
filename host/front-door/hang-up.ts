/** Nobody waits for an answer any more: how it is known, and what it does. */
import type { ServerResponse } from 'node:http';
import type { RunningInvocation } from '../instance/engine.ts';
import type { OwnCall } from './call.ts';

/** Ends it when nobody waits for it any more, or when it is late; until the returned call. */
export function impose(
  { gone, timeoutMs }: NonNullable<OwnCall['limit']>,
  invocation: RunningInvocation,
): () => void {
  const hangUp = (): void => invocation.cancel('caller_gone', 'The caller closed the connection.');
  const late = setTimeout(() => {
    invocation.cancel('timed_out', `No complete answer within ${timeoutMs} ms.`);
  }, timeoutMs);
  gone.addEventListener('abort', hangUp);
  if (gone.aborted) hangUp();
  return () => {
    clearTimeout(late);
    gone.removeEventListener('abort', hangUp);
  };
}

/** Aborts when the caller hangs up. */
export function untilClosed(outgoing: ServerResponse): AbortSignal {
  const controller = new AbortController();
  if (outgoing.destroyed) controller.abort();
  else outgoing.once('close', () => controller.abort());
  return controller.signal;
}
