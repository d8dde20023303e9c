import { MayflyError } from '../../errors.ts';
import { errorCodeOf } from './files.ts';

/** What keeps a backup from being made, as its caller is told. */
export function toBackupError(error: unknown): MayflyError {
  if (error instanceof MayflyError) return error;
  const { errcode } = error as { readonly errcode?: number };
  const code = errorCodeOf(error);
  // SQLITE_FULL; a quota of the file system is the same to whoever has to mend it.
  if (errcode === 13 || code === 'ENOSPC' || code === 'EDQUOT')
    return new MayflyError('disk_full', 'The disk was full before the backup was complete.', {
      cause: error,
    });
  return new MayflyError('backup_failed', 'A part of the data folder could not be copied.', { cause: error });
}
