import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The worlds of this project, at the same place beside the sources and in `dist/`. */
const OWN_WIT: string = fileURLToPath(new URL('../../wit/', import.meta.url));
/** The WASI releases that the worlds name. jco carries their WIT, so that no copy is kept here. */
const WASI_VERSIONS = ['0.2.12', '0.3.0'] as const;

function wasiWit(version: string): string {
  const jco = createRequire(import.meta.url).resolve('@bytecodealliance/jco');
  return join(dirname(jco), '../lib/wit/builtin', version);
}

export interface WitFolder extends AsyncDisposable {
  readonly path: string;
}

/**
 * A temporary folder in the layout that WIT tools read: the world on top, each package it names under `deps/`.
 * Removed when disposed of.
 */
export async function assembleWit(): Promise<WitFolder> {
  const path = await mkdtemp(join(tmpdir(), 'mayfly-wit-'));
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true });
  try {
    const copies = WASI_VERSIONS.flatMap((version) =>
      ['cli', 'clocks', 'filesystem', 'http', 'io', 'random', 'sockets'].map(
        (name) => [version, `wasi-${name}`] as const,
      ),
    );
    for (const [version, name] of copies) {
      const from = join(wasiWit(version), name);
      const files = await readdir(from).catch(() => []);
      if (files.length > 0) await cp(from, join(path, 'deps', `${name}-${version}`), { recursive: true });
    }
    await mkdir(join(path, 'deps/mayfly-http'), { recursive: true });
    await cp(join(OWN_WIT, 'mayfly-http.wit'), join(path, 'deps/mayfly-http/package.wit'));
    await cp(join(OWN_WIT, 'mayfly-guest.wit'), join(path, 'world.wit'));
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}
