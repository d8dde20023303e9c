/** The package that this command belongs to: a checkout, or what npm installed. */
import { readFileSync } from 'node:fs';
import { sep } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface OwnPackage {
  /** Its folder, with a separator at the end. */
  readonly folder: string;
  readonly version: string;
  /** Whether it was installed as a dependency. */
  readonly isInstalled: boolean;
  /** What it was built and tested with. */
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** `../..` in a checkout, one more from `dist/`. */
export function ownPackage(): OwnPackage {
  for (const path of ['../../', '../../../']) {
    const folder = fileURLToPath(new URL(path, import.meta.url));
    try {
      const { name, version, devDependencies } = JSON.parse(readFileSync(`${folder}package.json`, 'utf8'));
      if (name === 'mayfly')
        return { folder, version, devDependencies, isInstalled: folder.includes(`${sep}node_modules${sep}`) };
    } catch {
      // The next place.
    }
  }
  throw new Error('the package.json of mayfly is missing');
}
