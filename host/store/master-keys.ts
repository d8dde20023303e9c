/**
 * The operator's keys for secrets: one that seals, and older ones that still open. Each is 32 random bytes, given as
 * base64; none of them is ever written anywhere by the host.
 */
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';

const KEY_BYTES = 32;
const KEY_TEXT = /^[A-Za-z0-9+/]{43}=$/;

/** Where the keys come from, as the operator's settings say it. */
export interface MasterKeySource {
  /** base64; absent where secrets are not used. */
  readonly key?: string;
  /** A file with a key a line, the current one first. */
  readonly file?: string;
  /** Keys that came before, base64. */
  readonly oldKeys?: readonly string[];
}

/** Keys that cannot be used. The message is for the operator's terminal, and holds no key. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError';
}

export class MasterKeys {
  /** The id of the key that seals; undefined where there is none. */
  readonly currentId: string | undefined;
  readonly #keys = new Map<string, Buffer>();

  /** @throws MasterKeyError for what is not 32 bytes of base64 */
  constructor(texts: readonly string[]) {
    for (const text of texts) {
      const key = Buffer.from(text, 'base64');
      if (!KEY_TEXT.test(text) || key.length !== KEY_BYTES) {
        throw new MasterKeyError(
          'a key for secrets must be 32 bytes in base64; `openssl rand -base64 32` makes one',
        );
      }
      this.#keys.set(idOf(key), key);
    }
    this.currentId = this.#keys.keys().next().value;
  }

  /** The bytes of a key, or undefined for one that was not given. */
  get(id: string): Buffer | undefined {
    return this.#keys.get(id);
  }
}

/** @throws MasterKeyError when the file cannot be read, or holds something else */
export async function loadMasterKeys({ key, file, oldKeys = [] }: MasterKeySource): Promise<MasterKeys> {
  if (file === undefined) return new MasterKeys(key === undefined ? [] : [key, ...oldKeys]);
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new MasterKeyError(`cannot read the keys for secrets: ${error.message}`);
  });
  const lines = text.split('\n').map((line) => line.trim());
  const keys = lines.filter((line) => line !== '');
  if (keys.length === 0) throw new MasterKeyError(`${file} holds no key for secrets`);
  return new MasterKeys([...keys, ...oldKeys]);
}

/** Tells which key sealed something, and nothing about the key. */
function idOf(key: Buffer): string {
  return createHmac('sha256', key).update('mayfly secrets key id').digest('hex').slice(0, 16);
}
