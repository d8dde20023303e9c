/**
 * Copies of the data folder, made while the host runs: `backups/<id>/` is a data folder by itself, on a copy of which a host starts.
 *
 * Owner: the main thread; each database is copied by whoever owns it. Invariants:
 *  1. One backup at a time.
 *  2. Registry and queues are as of one moment: nothing is committed to the queues from the last step of their copy until the
 *     registry is copied. A backup has of the two what `kill -9` at that moment would have left, and a host that starts on it does
 *     what it would have done then: what was accepted and not handled is handled, what was handled is not.
 *  3. The ledger is copied when every invocation whose message was settled by that moment has had the time to tell of its use: what was
 *     handled is on its bills, once.
 *  4. Every artifact that the copied registry names is in the backup, where the store has it: none is removed meanwhile.
 *  5. There is no key in it: secrets stay sealed, keys of the API are hashes, and `admin.key` is left out.
 *  6. A backup does not fill the disk: it is refused where less than BACKUP_LIMITS.reserveBytes would be left, and one that fails
 *     leaves nothing behind.
 */
import { mkdir, stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MayflyError } from '../../errors.ts';
import { BACKUP_LIMITS } from '../../limits.ts';
import type { Actor } from '../../model/actor.ts';
import type { Backup, BackupStep, OnBackupProgress } from '../../model/backup.ts';
import type { ArtifactCollection } from '../artifact-collection.ts';
import type { LogStore } from '../log-store.ts';
import type { RecentFunctions } from '../recent-functions.ts';
import type { Registry } from '../registry.ts';
import { linkArtifacts } from './artifact-links.ts';
import { toBackupError } from './backup-error.ts';
import { BackupFolder } from './backup-folder.ts';
import { artifactKeysOf } from './copied-registry.ts';
import type { CopyOptions } from './database-copy.ts';
import { bytesBelow, errorCodeOf, syncFolder } from './files.ts';

/** What keeps messages in the data folder, if anything does. */
export interface CopiedQueues {
  /** `atCut` runs at the moment that the copy shows, and nothing changes until it ends. */
  copyTo(options: CopyOptions, atCut: () => Promise<void>): Promise<void>;
}

export interface BackupsPorts {
  readonly dataDir: string;
  readonly registry: Registry;
  readonly logs: LogStore;
  readonly collection: ArtifactCollection;
  readonly recent: RecentFunctions;
  /** Undefined where Redis has the queues. */
  readonly queues: CopiedQueues | undefined;
  /** Copies the ledger, with all that it was told before. */
  readonly copyUsage: (options: CopyOptions) => Promise<void>;
  /** How long the use of an invocation that has ended may be on its way to the ledger. */
  readonly usageWindowMs: number;
  readonly release: string;
  readonly now: () => number;
  /** For the operator. */
  readonly report: (message: string, error?: unknown) => void;
  /** Bytes that are free where a folder is; the file system's where absent. */
  readonly freeBytes?: (folder: string) => Promise<number>;
}

/** How often a step tells how far it is. */
const TELL_EVERY_MS = 100;

export class Backups implements AsyncDisposable {
  readonly #ports: BackupsPorts;
  readonly #folder: BackupFolder;
  readonly #closing = new AbortController();
  #running: Promise<unknown> | undefined;

  private constructor(ports: BackupsPorts) {
    this.#ports = ports;
    this.#folder = new BackupFolder(ports.dataDir);
  }

  static async open(ports: BackupsPorts): Promise<Backups> {
    const backups = new Backups(ports);
    await backups.#folder.sweep();
    return backups;
  }

  /** @throws MayflyError backup_running, disk_full, backup_failed, draining */
  async create(actor: Actor, onProgress: OnBackupProgress = () => {}): Promise<Backup> {
    if (this.#closing.signal.aborted) throw draining();
    if (this.#running !== undefined)
      throw new MayflyError('backup_running', 'The host is making a backup already.');
    const making = this.#create(actor, onProgress).finally(() => {
      this.#running = undefined;
    });
    this.#running = making.catch(() => {});
    return making;
  }

  /** The latest first. */
  list(): Promise<Backup[]> {
    return this.#folder.list();
  }

  /** @throws MayflyError backup_not_found */
  async remove(id: string, actor: Actor): Promise<void> {
    const backup = await this.#folder.find(id);
    if (backup === undefined) throw new MayflyError('backup_not_found', `There is no backup ${id}.`);
    await this.#folder.remove(id);
    this.#note(actor, 'backup.delete', id, { before: { bytes: backup.bytes } });
  }

  /** Breaks off what is being made: before the databases are closed. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(draining());
    await this.#running;
  }

  async #create(actor: Actor, onProgress: OnBackupProgress): Promise<Backup> {
    const { now, queues, release } = this.#ports;
    await this.#refuseTooLittleSpace();
    const draft = await this.#folder.draft(now());
    try {
      const { linkedBytes } = await this.#fill(draft.path, onProgress);
      const backup: Backup = {
        id: draft.id,
        createdAtMs: draft.createdAtMs,
        bytes: await bytesBelow(draft.path),
        linkedBytes,
        release,
        queues: queues === undefined ? 'redis' : 'embedded',
      };
      await this.#folder.commit(draft.path, backup);
      this.#note(actor, 'backup.create', backup.id, { after: { bytes: backup.bytes } });
      return backup;
    } catch (error) {
      await this.#folder.discard(draft.path);
      throw this.#toError(error);
    }
  }

  /** Makes all files of a backup but its manifest. */
  async #fill(to: string, onProgress: OnBackupProgress): Promise<{ readonly linkedBytes: number }> {
    const { logs, collection, recent, copyUsage, usageWindowMs } = this.#ports;
    const { linkedBytes, cutMs } = await collection.keepingAll(async () => {
      const cutMs = await this.#copyQueuesAndRegistry(to, onProgress);
      const linkedBytes = await this.#linkArtifacts(to, onProgress);
      return { linkedBytes, cutMs };
    });
    await this.#step('logs', onProgress, (options) => logs.copyTo({ ...options, path: join(to, 'logs.db') }));
    await recent.copyTo(join(to, 'recent.json'));
    const { signal } = this.#closing;
    const waitMs = cutMs + usageWindowMs - performance.now();
    if (waitMs > 0) await delay(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted());
    await this.#step('usage', onProgress, (options) => copyUsage({ ...options, path: join(to, 'usage.db') }));
    return { linkedBytes };
  }

  /** Gives the moment of which they are, by the monotonic clock. */
  async #copyQueuesAndRegistry(to: string, onProgress: OnBackupProgress): Promise<number> {
    const { registry, queues } = this.#ports;
    const copyRegistry = (): Promise<void> =>
      this.#step('registry', onProgress, (options) =>
        registry.copyTo({ ...options, path: join(to, 'registry.db') }),
      );
    if (queues === undefined) await copyRegistry();
    else {
      await this.#step('queues', onProgress, (options) =>
        queues.copyTo({ ...options, path: join(to, 'events.db') }, copyRegistry),
      );
    }
    return performance.now();
  }

  async #linkArtifacts(to: string, onProgress: OnBackupProgress): Promise<number> {
    const { dataDir, report } = this.#ports;
    const folder = join(to, 'artifacts');
    await mkdir(folder);
    const keys = artifactKeysOf(join(to, 'registry.db'));
    let linkedBytes = 0;
    await this.#step('artifacts', onProgress, async ({ signal, onBytes }) => {
      const linked = await linkArtifacts({
        from: join(dataDir, 'artifacts'),
        to: folder,
        keys,
        signal,
        onBytes: (bytes) => onBytes(bytes),
      });
      linkedBytes = linked.linkedBytes;
      for (const key of linked.missing)
        report(
          `the artifact ${key} is not in the store, and in no backup: functions that have it do not run`,
        );
    });
    await syncFolder(to);
    return linkedBytes;
  }

  async #step(
    step: BackupStep,
    onProgress: OnBackupProgress,
    work: (options: {
      readonly signal: AbortSignal;
      readonly onBytes: (bytes: number, totalBytes?: number) => void;
    }) => Promise<void>,
  ): Promise<void> {
    const sinceMs = performance.now();
    let toldMs = sinceMs;
    onProgress({ step });
    await work({
      signal: this.#closing.signal,
      onBytes(bytes, totalBytes) {
        const nowMs = performance.now();
        if (nowMs - toldMs < TELL_EVERY_MS) return;
        toldMs = nowMs;
        onProgress({ step, bytes, ...(totalBytes === undefined ? {} : { totalBytes }) });
      },
    });
    onProgress({ step, ms: performance.now() - sinceMs });
  }

  async #refuseTooLittleSpace(): Promise<void> {
    const { dataDir, freeBytes = freeBytesAt } = this.#ports;
    const names = ['registry.db', 'logs.db', 'usage.db', 'events.db'];
    const sizes = await Promise.all(
      names.flatMap((name) => [name, `${name}-wal`]).map((name) => sizeOf(join(dataDir, name))),
    );
    const needed = sizes.reduce((sum, size) => sum + size, BACKUP_LIMITS.reserveBytes);
    const free = await freeBytes(dataDir);
    if (free < needed) {
      throw new MayflyError(
        'disk_full',
        `A backup takes up to ${needed - BACKUP_LIMITS.reserveBytes} bytes and leaves ${BACKUP_LIMITS.reserveBytes}; ${free} are free.`,
      );
    }
  }

  #note(
    actor: Actor,
    action: 'backup.create' | 'backup.delete',
    target: string,
    sides: { readonly before?: unknown; readonly after?: unknown },
  ): void {
    const { registry, now } = this.#ports;
    registry.note({ tenant: null, actor, action, target, ...sides }, now());
  }

  #toError(error: unknown): MayflyError {
    if (this.#closing.signal.aborted) return draining();
    const told = toBackupError(error);
    if (told.code === 'backup_failed') this.#ports.report('a backup failed', told.cause ?? told);
    return told;
  }
}

function draining(): MayflyError {
  return new MayflyError('draining', 'The host is shutting down.');
}

async function freeBytesAt(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function sizeOf(path: string): Promise<number> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (errorCodeOf(error) === 'ENOENT') return 0;
    throw error;
  }
}
