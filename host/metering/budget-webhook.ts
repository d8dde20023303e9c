/**
 * Posts budget alerts. The way out is that of guests' requests (wasi/http/outbound.ts), with the one host that the operator named as
 * the only one allowed: no redirect is followed, and nothing else of the network is reached.
 */

import { webhookHeaders } from '../model/webhook-signature.ts';
import { createOutbound } from '../wasi/http/outbound.ts';
import type { OutboundPool } from '../wasi/http/outbound-pool.ts';
import { BufferSource } from '../wasi/io/buffer-source.ts';
import type { BudgetAlertMessage } from './budget-watch.ts';

const TIMEOUT_MS = 10_000;

/**
 * Rejects where the receiver does not answer with a status of success.
 * @param secret signs it by Standard Webhooks; without one it is not signed
 */
export async function postAlert(
  { id, url, body }: BudgetAlertMessage,
  pool: OutboundPool,
  secret: string | undefined,
): Promise<void> {
  const { protocol, host, hostname, port, pathname, search } = new URL(url);
  const scheme = protocol === 'https:' ? 'https' : 'http';
  const allowedHosts = [port === '' ? hostname : `${hostname}:${port}`];
  const text = Buffer.from(JSON.stringify(body));
  const headers = Object.entries({
    'content-type': 'application/json',
    'content-length': String(text.length),
    ...webhookHeaders(id, Date.now(), text, secret),
  }).map(([name, value]) => [name, Buffer.from(value)] as const);
  const response = await createOutbound({ allowedHosts, pool }).send(
    {
      method: 'POST',
      scheme,
      authority: host,
      pathWithQuery: pathname + search,
      headers,
      body: new BufferSource(text),
      connectTimeoutMs: TIMEOUT_MS,
      firstByteTimeoutMs: TIMEOUT_MS,
      betweenBytesTimeoutMs: TIMEOUT_MS,
    },
    AbortSignal.timeout(TIMEOUT_MS),
  );
  response.body.close();
  if (response.status < 200 || response.status > 299)
    throw new Error(`the webhook answered ${response.status}`);
}
