import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The folder above `file` that has a package.json, or else its own. */
export function projectFolder(file: string): string {
  const own = dirname(resolve(file));
  for (let folder = own; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (dirname(folder) === folder) return own;
  }
}
