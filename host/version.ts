import { readFileSync } from 'node:fs';

/** Of this release; beside the sources, or above them where they were built. */
export const VERSION: string = readVersion();

function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const { name, version } = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as Record<
        string,
        string
      >;
      if (name === 'mayfly' && version !== undefined) return version;
    } catch {
      // The other one, then.
    }
  }
  return '0.0.0';
}
