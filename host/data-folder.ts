import { access, constants, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The data folder cannot be made or written to. The message is for the operator's terminal. */
export class DataFolderError extends Error {
  override readonly name = 'DataFolderError';
}

/** @throws DataFolderError */
export async function openDataFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DataFolderError(`cannot use the data folder ${path}: ${reason}`, { cause: error });
  }
}

/**
 * For a folder that an earlier host has used. Without its registry nobody knows whose the artifacts are: a host that began a new one
 * would remove them all, so it does not start. Other files are begun anew, and that is said.
 * @param files of SQLite, beside the registry's
 * @throws DataFolderError
 */
export async function refuseLostRegistry(
  path: string,
  files: readonly string[],
  report: (message: string) => void,
): Promise<void> {
  if (await hasBytes(join(path, 'registry.db'))) {
    for (const file of files)
      if (!(await hasBytes(join(path, file))))
        report(
          `${join(path, file)} is missing or empty, and is begun anew: what an earlier one held is not here`,
        );
    return;
  }
  const artifacts = await readdir(join(path, 'artifacts')).catch(() => []);
  if (artifacts.length > 0)
    throw new DataFolderError(
      `${join(path, 'registry.db')} is missing or empty, but there are ${artifacts.length} artifacts: restore a backup, or remove ${join(path, 'artifacts')} to begin with no functions`,
    );
}

async function hasBytes(path: string): Promise<boolean> {
  return await stat(path).then(
    ({ size }) => size > 0,
    () => false,
  );
}

/** Gives the path of an empty folder for uploads: those of an earlier process belong to nobody. */
export async function openUploadFolder(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'uploads');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  return folder;
}

/** A socket's path has room for 107 bytes (Linux: unix(7)); where the data folder's is too long, one of the system's is taken. */
const SOCKET_FOLDER_BYTES = 90;

/** Gives the path of an empty folder for sockets of tenants' processes; those of an earlier host are gone. */
export async function openSocketFolder(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'sockets');
  if (Buffer.byteLength(folder) > SOCKET_FOLDER_BYTES) return mkdtemp(join(tmpdir(), 'mayfly-'));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  return folder;
}
