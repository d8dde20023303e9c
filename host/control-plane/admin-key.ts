/**
 * The operator's key: given in the environment, or made once and kept in `<dataDir>/admin.key`, readable by the
 * host's user alone.
 *
 * The file appears whole or not at all. It is written under another name, synced and then linked, and `link`
 * fails where the name exists: two hosts that start at once agree on one key, and a crash leaves no empty file.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

export interface AdminKey {
  readonly key: string;
  readonly origin: 'environment' | 'file' | 'created';
  /** Where it is kept; absent when it came from the environment. */
  readonly path?: string;
  /** What the operator should know: the file was readable by others and no longer is. */
  readonly warning?: string;
}

/** A key file that cannot be used. The message is for the operator's terminal. */
export class AdminKeyError extends Error {
  override readonly name = 'AdminKeyError';
}

export const ADMIN_KEY_FILE = 'admin.key';

/** 256 random bits; the prefix lets a secret scanner and a reader tell what it is. */
const KEY_BYTES = 32;
const KEY_PREFIX = 'mayfly_';
const KEY_PATTERN = /^[\x21-\x7e]{16,512}$/;
const OTHERS_MASK = 0o077;

/** @throws AdminKeyError when the file holds no key or cannot be read */
export async function loadOrCreateAdminKey(dataDir: string, fromEnvironment?: string): Promise<AdminKey> {
  if (fromEnvironment !== undefined) return { key: fromEnvironment, origin: 'environment' };
  const path = join(dataDir, ADMIN_KEY_FILE);
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const created = (await exists(path)) ? false : await create(dataDir, path);
  const warning = created ? undefined : await closeToOthers(path);
  const key = (await readFile(path, 'utf8')).trim();
  if (!KEY_PATTERN.test(key)) {
    throw new AdminKeyError(
      `${path} holds no key (16 to 512 visible ASCII characters); remove it to get a new one`,
    );
  }
  return { key, origin: created ? 'created' : 'file', path, ...(warning === undefined ? {} : { warning }) };
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** False when another process created it first. */
async function create(dataDir: string, path: string): Promise<boolean> {
  const draft = join(dataDir, `.${ADMIN_KEY_FILE}.${randomUUID()}`);
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${KEY_PREFIX}${randomBytes(KEY_BYTES).toString('base64url')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Takes the file from others who may read it; they may have done so already, hence the warning. */
async function closeToOthers(path: string): Promise<string | undefined> {
  const { mode } = await stat(path);
  if ((mode & OTHERS_MASK) === 0) return undefined;
  await chmod(path, 0o600);
  const was = (mode & 0o777).toString(8).padStart(4, '0');
  return `${path} was readable by others (mode ${was}) and is 0600 now; remove it to get a new key if others may know it`;
}
