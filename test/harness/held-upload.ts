/** An upload that lies in an artifact, and whose reader waits for it: a pipe in place of the file. */
import { execFile } from 'node:child_process';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface HeldUpload {
  /** Resolves once somebody has begun to read. */
  readonly opened: Promise<unknown>;
  /** Lets whoever reads go on. */
  deliver(): Promise<void>;
  /** A file again, for whoever reads next. */
  restore(): Promise<void>;
}

/** @param folder of the artifact */
export async function holdUpload(folder: string): Promise<HeldUpload> {
  const path = join(folder, 'upload.wasm');
  const bytes = await readFile(path);
  await rm(path);
  await promisify(execFile)('mkfifo', [path]);
  const opened = open(path, 'w');
  return {
    opened,
    async deliver() {
      const handle = await opened;
      await handle.writeFile(bytes);
      await handle.close();
    },
    async restore() {
      await (await opened).close();
      await rm(path);
      await writeFile(path, bytes);
    },
  };
}
