import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

async function modifiedMs(path: string): Promise<number | undefined> {
  return stat(path).then(
    (found) => found.mtimeMs,
    () => undefined,
  );
}

/** The newest modification below a path, other than of components, which are what gets built. */
async function newestMs(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return (await modifiedMs(path)) ?? Number.POSITIVE_INFINITY;
  const times = entries
    .filter((entry) => !entry.name.endsWith('.wasm') && !entry.name.endsWith('.tmp'))
    .map((entry) =>
      entry.isDirectory() ? newestMs(join(path, entry.name)) : modifiedMs(join(path, entry.name)),
    );
  return Math.max(0, ...(await Promise.all(times)).map((time) => time ?? 0));
}

/** Whether `output` exists and is newer than every file below `inputs`. */
export async function isUpToDate(output: string, inputs: readonly string[]): Promise<boolean> {
  const built = await modifiedMs(output);
  if (built === undefined) return false;
  const newest = Math.max(...(await Promise.all(inputs.map(newestMs))));
  return newest < built;
}
