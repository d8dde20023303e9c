import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
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
 * A temporary folder in the layout that WIT tools read: a world named `built` on top, which exports the interfaces, and each
 * package that it names under `deps/`. Removed when disposed of.
 */
export async function assembleWit(interfaces: readonly string[]): Promise<WitFolder> {
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
    for (const name of ['mayfly-http', 'mayfly-events', 'mayfly-telemetry', 'wasi-otel']) {
      await mkdir(join(path, 'deps', name), { recursive: true });
      await cp(join(OWN_WIT, `${name}.wit`), join(path, 'deps', name, 'package.wit'));
    }
    const guest = await readFile(join(OWN_WIT, 'mayfly-guest.wit'), 'utf8');
    const exported = interfaces.map((name) => `  export ${name};`).join('\n');
    await writeFile(
      join(path, 'world.wit'),
      `${guest}\nworld built {\n  include function-imports;\n${exported}\n}\n`,
    );
  } catch (error) {
    await remove();
    throw error;
  }
  return { path, [Symbol.asyncDispose]: remove };
}
