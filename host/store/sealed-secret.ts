/**
 * Envelope encryption of one secret: its value under a data key of its own, the data key under a master key, both
 * with AES-256-GCM. A rotation of the master key wraps 32 bytes again and touches no value.
 *
 * Tenant, function and name are additional data of both: a row that somebody copies to another place opens nothing.
 * Each key and each nonce is random and used once per data key; a master key wraps far fewer than the 2^32 data keys
 * up to which random nonces are safe (NIST SP 800-38D, section 8.3).
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MayflyError } from '../errors/errors.ts';
import type { FunctionName, TenantName } from '../model/ids.ts';
import type { MasterKeys } from './master-keys.ts';

/** Whose secret it is: a function's, or a queue's for the signatures of its senders. No name has a colon in it. */
export interface SealedFor {
  readonly tenant: TenantName;
  readonly function: FunctionName | `queue:${string}`;
  readonly name: string;
}

export interface SecretReference extends SealedFor {
  readonly function: FunctionName;
}

export interface SealedSecret {
  readonly masterKeyId: string;
  /** The data key. */
  readonly wrappedKey: Uint8Array;
  /** The value. */
  readonly sealed: Uint8Array;
}

const CIPHER = 'aes-256-gcm';
const DATA_KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What a sealed value is longer than the value. */
export const SEAL_BYTES: number = NONCE_BYTES + TAG_BYTES;

/** @throws MayflyError secrets_unavailable where the operator has given no key */
export function seal(keys: MasterKeys, reference: SealedFor, value: string): SealedSecret {
  const { id, key } = currentKey(keys);
  const dataKey = randomBytes(DATA_KEY_BYTES);
  return {
    masterKeyId: id,
    wrappedKey: encrypt(key, dataKey, additionalData('key', reference)),
    sealed: encrypt(dataKey, Buffer.from(value, 'utf8'), additionalData('value', reference)),
  };
}

/** @throws MayflyError secrets_unavailable where its key is not given, or the row was tampered with */
export function open(keys: MasterKeys, reference: SealedFor, secret: SealedSecret): string {
  const dataKey = unwrap(keys, reference, secret);
  return decrypt(dataKey, secret.sealed, additionalData('value', reference), reference).toString('utf8');
}

/** Wraps the data key under the current master key. */
export function rewrap(keys: MasterKeys, reference: SealedFor, secret: SealedSecret): SealedSecret {
  const { id, key } = currentKey(keys);
  const dataKey = unwrap(keys, reference, secret);
  return { ...secret, masterKeyId: id, wrappedKey: encrypt(key, dataKey, additionalData('key', reference)) };
}

function unwrap(keys: MasterKeys, reference: SealedFor, secret: SealedSecret): Buffer {
  const key = keys.get(secret.masterKeyId);
  if (key === undefined)
    throw unavailable(reference, `the key ${secret.masterKeyId} that sealed it is not given`);
  return decrypt(key, secret.wrappedKey, additionalData('key', reference), reference);
}

function currentKey(keys: MasterKeys): { readonly id: string; readonly key: Buffer } {
  const id = keys.currentId;
  const key = id === undefined ? undefined : keys.get(id);
  if (id === undefined || key === undefined) {
    throw new MayflyError('secrets_unavailable', 'This host has no key to seal secrets with.');
  }
  return { id, key };
}

/** JSON keeps the parts apart, whatever is in them. */
function additionalData(part: 'key' | 'value', { tenant, function: name, name: secret }: SealedFor): Buffer {
  return Buffer.from(JSON.stringify(['mayfly secret', 1, part, tenant, name, secret]));
}

function encrypt(key: Buffer, plain: Buffer, aad: Buffer): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(aad);
  const text = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

function decrypt(key: Buffer, bytes: Uint8Array, aad: Buffer, reference: SealedFor): Buffer {
  const nonce = bytes.subarray(0, NONCE_BYTES);
  const tag = bytes.subarray(NONCE_BYTES, SEAL_BYTES);
  try {
    const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
      .setAAD(aad)
      .setAuthTag(tag);
    return Buffer.concat([decipher.update(bytes.subarray(SEAL_BYTES)), decipher.final()]);
  } catch {
    // What OpenSSL says of it is the same for every cause, and nobody's business.
    throw unavailable(reference, 'it was changed outside of this host');
  }
}

function unavailable({ tenant, function: name, name: secret }: SealedFor, reason: string): MayflyError {
  return new MayflyError(
    'secrets_unavailable',
    `Secret ${secret} of ${tenant}/${name} cannot be opened: ${reason}.`,
  );
}
