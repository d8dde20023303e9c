/** A copy of all that a host keeps, made while it runs. */

/** In the order in which they begin. */
export const BACKUP_STEPS = ['queues', 'registry', 'artifacts', 'logs', 'usage'] as const;
export type BackupStep = (typeof BACKUP_STEPS)[number];

export interface Backup {
  /** The time at which it was begun (UTC), `20261127T213245.123Z`: also the name of its folder. */
  readonly id: string;
  readonly createdAtMs: number;
  /** Of all its files: what a copy of it takes elsewhere. */
  readonly bytes: number;
  /** Of that, what it shares with the data folder as hard links, for as long as that has them. */
  readonly linkedBytes: number;
  /** The release that made it: that one or a later one opens it. */
  readonly release: string;
  /** Where the messages were: `redis` keeps its own, and none are in the backup. */
  readonly queues: 'embedded' | 'redis';
}

/** A step begins, goes on (`bytes` are copied of `totalBytes`), or is over (after `ms`). */
export interface BackupProgress {
  readonly step: BackupStep;
  readonly bytes?: number;
  readonly totalBytes?: number;
  readonly ms?: number;
}

export type OnBackupProgress = (progress: BackupProgress) => void;

const ID_PATTERN = /^[0-9]{8}T[0-9]{6}\.[0-9]{3}Z$/;

export function isBackupId(text: string): boolean {
  return ID_PATTERN.test(text);
}

export function backupIdOf(atMs: number): string {
  return new Date(atMs).toISOString().replaceAll(/[-:]/g, '');
}
