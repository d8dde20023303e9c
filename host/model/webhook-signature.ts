/** Standard Webhooks, symmetric signatures: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md */
import { createHmac } from 'node:crypto';

export const SECRET_PREFIX = 'whsec_';
/** The specification asks for 24 to 64 bytes. */
export const SECRET_BYTES = { made: 32, floor: 24, ceiling: 64 } as const;

export function isSigningSecret(text: string): boolean {
  const key = text.startsWith(SECRET_PREFIX) ? text.slice(SECRET_PREFIX.length) : '';
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key)) return false;
  const { length } = Buffer.from(key, 'base64');
  return length >= SECRET_BYTES.floor && length <= SECRET_BYTES.ceiling;
}

/**
 * @param id of the event, the same for each try at delivering it
 * @param secret `whsec_` and the key in base64; without one the event is not signed
 */
export function webhookHeaders(
  id: string,
  nowMs: number,
  body: Uint8Array,
  secret: string | undefined,
): Record<string, string> {
  // The specification keeps dots for itself, as they separate what is signed.
  const webhookId = id.replaceAll('.', '-');
  const timestamp = `${Math.floor(nowMs / 1_000)}`;
  const headers = { 'webhook-id': webhookId, 'webhook-timestamp': timestamp };
  if (secret === undefined) return headers;
  const encoded = secret.startsWith(SECRET_PREFIX) ? secret.slice(SECRET_PREFIX.length) : secret;
  const signature = createHmac('sha256', Buffer.from(encoded, 'base64'))
    .update(`${webhookId}.${timestamp}.`)
    .update(body)
    .digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
