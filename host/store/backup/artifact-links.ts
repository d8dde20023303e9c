/** Artifacts of a backup: hard links, for what an artifact is made of never changes; copies where the file system has no links. */
import { constants, copyFile, link, mkdir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCodeOf, syncFolder } from './files.ts';

/** What says that there can be no link, and that a copy may do: other file systems, too many links, no such thing. */
const NO_LINK = new Set(['EXDEV', 'EMLINK', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS']);

export interface LinkArtifactsOptions {
  /** Folders of artifacts, by their keys: from here ... */
  readonly from: string;
  /** ... to there, a folder that is there. */
  readonly to: string;
  readonly keys: readonly string[];
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

export interface LinkedArtifacts {
  readonly linkedBytes: number;
  /** Keys of which there is nothing to copy. */
  readonly missing: readonly string[];
}

/** Links what is there, durably. Nobody may remove an artifact meanwhile. */
export async function linkArtifacts(options: LinkArtifactsOptions): Promise<LinkedArtifacts> {
  const { from, to, keys, signal, onBytes } = options;
  const missing: string[] = [];
  let bytes = 0;
  let linkedBytes = 0;
  for (const key of keys) {
    signal.throwIfAborted();
    const files = await readdir(join(from, key)).catch((error: unknown) => {
      if (errorCodeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (files === undefined) {
      missing.push(key);
      continue;
    }
    await mkdir(join(to, key));
    for (const file of files) {
      const { size } = await stat(join(from, key, file));
      if (await linkOrCopy(join(from, key, file), join(to, key, file))) linkedBytes += size;
      bytes += size;
    }
    onBytes(bytes);
  }
  // One after the other, when all are made: the first sync takes most of the others along.
  for (const key of keys) if (!missing.includes(key)) await syncFolder(join(to, key));
  await syncFolder(to);
  return { linkedBytes, missing };
}

/** True if it is a link. */
async function linkOrCopy(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (!NO_LINK.has(String(errorCodeOf(error)))) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
    await syncFolder(to);
    return false;
  }
}
