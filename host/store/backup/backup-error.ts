import { isDiskFull } from '../../errors/disk-full.ts';
import { MayflyError } from '../../errors/errors.ts';

/** What keeps a backup from being made, as its caller is told. */
export function toBackupError(error: unknown): MayflyError {
  if (error instanceof MayflyError) return error;
  if (isDiskFull(error))
    return new MayflyError('disk_full', 'The disk was full before the backup was complete.', {
      cause: error,
    });
  return new MayflyError('backup_failed', 'A part of the data folder could not be copied.', { cause: error });
}
