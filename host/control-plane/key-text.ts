/**
 * The text of a tenant's key: `mayfly_<id>_<secret>`, 20 hex digits and 256 random bits. The prefix lets a secret
 * scanner tell what it is, the id says which key to revoke, and the two together find its hash with one look-up.
 */
import { hash, randomBytes } from 'node:crypto';

const ID_BYTES = 10;
const SECRET_BYTES = 32;
const KEY_TEXT = /^mayfly_([0-9a-f]{20})_[A-Za-z0-9_-]{43}$/;

export const KEY_ID_PATTERN: RegExp = /^[0-9a-f]{20}$/;

export function newKeyId(): string {
  return randomBytes(ID_BYTES).toString('hex');
}

export function newKeyText(id: string): string {
  return `${keyPrefix(id)}_${randomBytes(SECRET_BYTES).toString('base64url')}`;
}

/** What of a key's text may be shown. */
export function keyPrefix(id: string): string {
  return `mayfly_${id}`;
}

/** The id in a key's text, or undefined for what is none. */
export function keyIdOf(text: string): string | undefined {
  return KEY_TEXT.exec(text)?.[1];
}

/** SHA-256 of the whole text (why not a slower one: store/key-table.ts, invariant 1). */
export function hashOfKey(text: string): Buffer {
  return hash('sha256', text, 'buffer');
}
