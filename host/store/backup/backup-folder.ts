/**
 * The folder `backups/` of a data folder.
 *
 * Invariants:
 *  1. What bears the name of a backup is a whole one: it is made under another name, synced, and renamed at its end.
 *  2. One that is removed leaves its name first: half of it is never taken for a backup.
 *  3. What is half-made, or half-removed, is gone when the host starts.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { type Backup, backupIdOf, isBackupId } from '../../model/backup.ts';
import { errorCodeOf, syncFolder } from './files.ts';

/** Says in a backup, and in a data folder that was one, what it is. */
const MANIFEST = 'backup.json';

const manifestSchema = z.object({
  id: z.string().refine(isBackupId),
  createdAtMs: z.number().int().min(0),
  bytes: z.number().int().min(0),
  linkedBytes: z.number().int().min(0),
  release: z.string(),
  queues: z.enum(['embedded', 'redis']),
});

/** Of what is half-made; a file system that lists it shows at once that it is none. */
const DRAFT = '.partial';

export class BackupFolder {
  readonly #path: string;

  constructor(dataDir: string) {
    this.#path = join(dataDir, 'backups');
  }

  /** Makes the folder, and removes what an earlier process left half-made. */
  async sweep(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o700 });
    const entries = await readdir(this.#path);
    const stale = entries.filter((entry) => entry.endsWith(DRAFT));
    await Promise.all(stale.map((entry) => rm(join(this.#path, entry), { recursive: true, force: true })));
  }

  /** An empty folder for a backup that begins at `nowMs`; give it to `commit` or to `discard`. */
  async draft(
    nowMs: number,
  ): Promise<{ readonly id: string; readonly createdAtMs: number; readonly path: string }> {
    const taken = new Set(await readdir(this.#path));
    let createdAtMs = nowMs;
    // A clock that was set back.
    while (taken.has(backupIdOf(createdAtMs))) createdAtMs++;
    const id = backupIdOf(createdAtMs);
    const path = join(this.#path, `${id}${DRAFT}`);
    await mkdir(path, { mode: 0o700 });
    return { id, createdAtMs, path };
  }

  async commit(draft: string, backup: Backup): Promise<void> {
    const manifest = join(draft, MANIFEST);
    await writeFile(manifest, `${JSON.stringify(backup, null, 2)}\n`, { mode: 0o600, flush: true });
    await syncFolder(draft);
    await rename(draft, join(this.#path, backup.id));
    await syncFolder(this.#path);
  }

  async discard(draft: string): Promise<void> {
    await rm(draft, { recursive: true, force: true });
  }

  /** The latest first. */
  async list(): Promise<Backup[]> {
    const ids = (await readdir(this.#path)).filter(isBackupId).sort().reverse();
    const found = await Promise.all(ids.map((id) => this.find(id)));
    return found.filter((backup) => backup !== undefined);
  }

  /** Undefined, too, for what nobody can read as a backup. */
  async find(id: string): Promise<Backup | undefined> {
    if (!isBackupId(id)) return undefined;
    try {
      const text = await readFile(join(this.#path, id, MANIFEST), 'utf8');
      const parsed = manifestSchema.safeParse(JSON.parse(text));
      return parsed.data?.id === id ? parsed.data : undefined;
    } catch (error) {
      if (errorCodeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async remove(id: string): Promise<void> {
    const grave = join(this.#path, `${id}${DRAFT}`);
    await rename(join(this.#path, id), grave);
    await syncFolder(this.#path);
    await rm(grave, { recursive: true, force: true });
  }
}
