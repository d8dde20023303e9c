/**
 * `npm run build`: makes `dist/`, which is what the published package runs. Node strips types from no file under
 * `node_modules`, so there the sources have to be JavaScript. The layout stays the same, so that modules find their
 * neighbours by relative URLs; whatever is not TypeScript is copied along.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const DIST = join(ROOT, 'dist');

/** The WIT, what lies beside the host's code (Lua, SQL), and the examples' sources, which are built where they run. */
const ASSETS = ['wit/**/*', 'host/**/*', 'guest-sdk/**/*', 'examples/*/**/*'];

/** What `npm run build:metering` has compiled. */
const METERING_CODE = 'host/instrument/assembly/build/metering.wasm';

function isAsset(path: string): boolean {
  if (path === METERING_CODE) return true;
  if (/\.wasm$|\.tmp$|(?:^|\/)node_modules\//.test(path)) return false;
  // Under examples/, TypeScript in a folder is the source of a function; elsewhere the compiler has dealt with it.
  if (path.startsWith('examples/')) return true;
  return !path.endsWith('.ts') && !path.endsWith('.mjs');
}

function compile(): number {
  const manifest = createRequire(import.meta.url).resolve('typescript/package.json');
  const tsc = join(dirname(manifest), 'bin/tsc');
  const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return status ?? 1;
}

function copyAssets(): number {
  const files = globSync(ASSETS, { cwd: ROOT, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length))
    .filter(isAsset);
  for (const file of files) {
    mkdirSync(join(DIST, dirname(file)), { recursive: true });
    cpSync(join(ROOT, file), join(DIST, file));
  }
  return files.length;
}

rmSync(DIST, { recursive: true, force: true });
const status = compile();
if (status === 0) {
  const assets = copyAssets();
  const modules = globSync('dist/**/*.js', { cwd: ROOT }).length;
  console.log(`dist/: ${modules} modules, ${assets} other files`);
}
process.exitCode = status;
