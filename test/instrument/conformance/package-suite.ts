/**
 * Modules that people run, from npm: what their packages compute is the same to the byte with metered modules as
 * with their own. First those of the project's own dependencies, which `npm test` runs too; then packages whose versions are pinned
 * here, and which are installed into a temporary folder: together they take 70 MB.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { InstrumentError } from '../../../host/instrument/error.ts';
import { instrument } from '../../../host/instrument/instrument.ts';
import { compareProgram } from './compare-program.ts';
import { OWN_PROGRAMS } from './own-programs.ts';

const VERSIONS: Readonly<Record<string, string>> = {
  'quickjs-wasi': '3.6.2',
  'sql.js': '1.16.0',
  '@resvg/resvg-wasm': '2.6.2',
  '@jsquash/png': '3.1.1',
  'esbuild-wasm': '0.28.2',
  'web-tree-sitter': '0.27.1',
  'tree-sitter-javascript': '0.25.0',
  '@oxc-parser/binding-wasm32-wasi': '0.154.0',
};

/** Files of packages/, with the least fuel that each is known to take. */
const PROGRAMS: Readonly<Record<string, number>> = {
  'quickjs-wasi': 50_000_000,
  'sql.js': 30_000_000,
  'resvg-wasm': 1_000_000_000,
  'jsquash-png': 20_000_000,
  'esbuild-wasm': 50_000_000,
  'web-tree-sitter': 300_000_000,
};

const PARTS = [
  { subfolder: 'programs', programs: OWN_PROGRAMS },
  { subfolder: 'packages', programs: PROGRAMS },
] as const;

/** Made for threads: it shares its memory, which metering refuses. */
const REFUSED = 'node_modules/@oxc-parser/binding-wasm32-wasi/parser.wasm32-wasi.wasm';

export interface PackageResult {
  readonly passed: number;
  readonly failures: readonly string[];
}

/** `packagesFolder` has the packages installed already; without it they are installed for the run. */
export async function runPackages(packagesFolder?: string): Promise<PackageResult> {
  if (packagesFolder !== undefined) return comparePackages(packagesFolder);
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-packages-'));
  try {
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, dependencies: VERSIONS }));
    const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--force', '--loglevel=error'];
    await promisify(execFile)('npm', ['install', ...options], { cwd: folder, timeout: 300_000 });
    return await comparePackages(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function comparePackages(folder: string): Promise<PackageResult> {
  const failures: string[] = [];
  let passed = 0;
  const check = (name: string, failure: string | undefined, what: string): void => {
    if (failure === undefined) passed++;
    else failures.push(`${name}: ${failure}`);
    console.log(`modules: ${name.padEnd(20)} ${failure === undefined ? what : `FAILED, ${failure}`}`);
  };
  for (const { subfolder, programs } of PARTS) {
    for (const [name, leastFuel] of Object.entries(programs)) {
      const path = fileURLToPath(new URL(`${subfolder}/${name}.ts`, import.meta.url));
      const { plain, metered, meter } = await compareProgram(path, subfolder === 'packages' ? folder : '');
      const bytes = plain.length.toLocaleString('en').padStart(9);
      const fuel = meter.fuel.toLocaleString('en').padStart(13);
      check(name, difference(plain, metered, meter.fuel, leastFuel), `${bytes} bytes alike, ${fuel} fuel`);
    }
  }
  check('oxc-parser', await refusal(join(folder, REFUSED)), '  refused, since it shares its memory');
  return { passed, failures };
}

function difference(plain: Buffer, metered: Buffer, fuel: number, leastFuel: number): string | undefined {
  if (!plain.equals(metered)) return `${plain.length} bytes of output became ${metered.length} other ones`;
  return fuel < leastFuel ? `only ${fuel} fuel` : undefined;
}

async function refusal(path: string): Promise<string | undefined> {
  const bytes = await readFile(path);
  try {
    instrument(bytes);
  } catch (error) {
    return error instanceof InstrumentError && error.code === 'unsupported' ? undefined : String(error);
  }
  return 'shared memory was not refused';
}
