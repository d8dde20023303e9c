/**
 * Signatures of webhooks as Standard Webhooks 1.0 has them: `webhook-signature: v1,<base64>` of HMAC-SHA256 over
 * `<webhook-id>.<webhook-timestamp>.<body>`, the key being the base64 behind `whsec_`.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { MayflyError } from '../errors/errors.ts';
import { QUEUE_LIMITS } from '../limits/event-limits.ts';
import { SECRET_BYTES, SECRET_PREFIX } from '../model/webhook-signature.ts';

/** Senders that rotate sign with two; more cost us an HMAC each. */
const MAX_SIGNATURES = 8;
/** Without full stops: they end the parts of what is signed. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,128}$/;

export interface WebhookHead {
  /** Names the message, in every attempt at sending it. */
  readonly id: string;
  readonly timestamp: string;
  readonly signatures: readonly Buffer[];
}

export function makeSigningSecret(): string {
  return SECRET_PREFIX + randomBytes(SECRET_BYTES.made).toString('base64');
}

/**
 * What can be refused before the body is here.
 * @throws MayflyError signature_invalid
 */
export function webhookHead(headers: Headers, nowMs: number): WebhookHead {
  const id = headers.get('webhook-id') ?? '';
  const timestamp = headers.get('webhook-timestamp') ?? '';
  if (!ID.test(id)) throw refused('webhook-id is missing, or has more than 128 characters or a full stop.');
  if (!/^[0-9]{1,12}$/.test(timestamp)) throw refused('webhook-timestamp is no number of seconds.');
  if (Math.abs(nowMs - Number(timestamp) * 1_000) > QUEUE_LIMITS.signatureToleranceMs) {
    throw refused('webhook-timestamp is too far from the time here.');
  }
  const signatures = (headers.get('webhook-signature') ?? '')
    .split(' ', MAX_SIGNATURES)
    .flatMap((text) => (text.startsWith('v1,') ? [Buffer.from(text.slice('v1,'.length), 'base64')] : []));
  if (signatures.length === 0) throw refused('webhook-signature has no signature of version v1.');
  return { id, timestamp, signatures };
}

/** @throws MayflyError signature_invalid unless one of the signatures is one of the secrets' */
export function requireSignature(
  { id, timestamp, signatures }: WebhookHead,
  body: Uint8Array,
  secrets: readonly string[],
): void {
  let isSigned = false;
  for (const secret of secrets) {
    const key = Buffer.from(secret.slice(SECRET_PREFIX.length), 'base64');
    const wanted = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest();
    for (const signature of signatures) {
      if (signature.length === wanted.length && timingSafeEqual(signature, wanted)) isSigned = true;
    }
  }
  if (!isSigned) throw refused('No signature is of a secret of this queue, if there is such a queue.');
}

function refused(detail: string): MayflyError {
  return new MayflyError('signature_invalid', detail);
}
