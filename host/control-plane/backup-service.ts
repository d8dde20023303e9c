import type { Backup, OnBackupProgress } from '../model/backup.ts';
import type { Backups } from '../store/backup/backups.ts';
import type { BackupBackend } from './backend.ts';
import type { Change } from './references.ts';

export interface BackupServicePorts {
  readonly backups: Pick<Backups, 'create' | 'list' | 'remove'>;
}

export class BackupService implements BackupBackend {
  readonly #ports: BackupServicePorts;

  constructor(ports: BackupServicePorts) {
    this.#ports = ports;
  }

  createBackup({ actor }: Change, onProgress?: OnBackupProgress): Promise<Backup> {
    return this.#ports.backups.create(actor, onProgress);
  }

  listBackups(): Promise<Backup[]> {
    return this.#ports.backups.list();
  }

  removeBackup({ id, actor }: Change & { readonly id: string }): Promise<void> {
    return this.#ports.backups.remove(id, actor);
  }
}
