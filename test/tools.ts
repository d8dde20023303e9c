/**
 * What tests, examples and benches need beyond npm: a Redis server, Prometheus, curl, and a C compiler for WASI. Installs the Debian
 * packages where it may (as root, or with sudo that asks for no password); elsewhere it fails with the line to type. Takes
 * a few milliseconds when all is there. `node test/tools.ts` runs it alone.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

interface Tool {
  readonly name: string;
  readonly packages: readonly string[];
  isPresent(): boolean;
}

function isOnPath(program: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** A C compiler for WASI. Debian's paths; libclang_rt's has the compiler's version in it. */
export const C_COMPILER: readonly Tool[] = [
  { name: 'clang', packages: ['clang'], isPresent: () => isOnPath('clang') },
  { name: 'wasm-ld', packages: ['lld'], isPresent: () => isOnPath('wasm-ld') },
  {
    name: "WASI's C library",
    packages: ['wasi-libc'],
    isPresent: () => globSync('/usr/include/wasm32-wasi/stdio.h').length > 0,
  },
  {
    name: "clang's runtime for WebAssembly",
    packages: ['libclang-rt-dev-wasm32'],
    isPresent: () =>
      globSync('/usr/lib/{llvm-*/lib/,}clang/*/lib/wasi/libclang_rt.builtins-wasm32.a').length > 0,
  },
];

/** What the tests and the examples need. */
const TOOLS: readonly Tool[] = [
  { name: 'redis-server', packages: ['redis-server'], isPresent: () => isOnPath('redis-server') },
  ...C_COMPILER,
  { name: 'prometheus', packages: ['prometheus'], isPresent: () => isOnPath('prometheus') },
  { name: 'curl', packages: ['curl'], isPresent: () => isOnPath('curl') },
];

function missingOf(tools: readonly Tool[]): readonly Tool[] {
  return tools.filter((tool) => !tool.isPresent());
}

/** What to put before apt-get; undefined where installing is not ours to do. */
function privilege(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

function run(words: readonly string[]): boolean {
  console.log(`$ ${words.join(' ')}`);
  const [program = '', ...args] = words;
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(program, args, { stdio: 'inherit', env: environment }).status === 0;
}

/** @throws an error that names what is missing and the line that installs it */
export function ensureTools(tools: readonly Tool[] = TOOLS): void {
  const missing = missingOf(tools);
  if (missing.length === 0) return;
  const packages = missing.flatMap((tool) => tool.packages);
  const install = [
    'apt-get',
    'install',
    '-y',
    '--no-install-recommends',
    '-o',
    'DPkg::Lock::Timeout=120',
    ...packages,
  ];
  const before = isOnPath('apt-get') ? privilege() : undefined;
  if (before !== undefined) {
    console.log(`missing: ${missing.map((tool) => tool.name).join(', ')}`);
    // Packages that the machine knows of already need no update, which is slow and needs the network.
    if (!run([...before, ...install]) && run([...before, 'apt-get', 'update'])) run([...before, ...install]);
  }
  const still = missingOf(tools);
  if (still.length === 0) return;
  const names = still.map((tool) => tool.name).join(', ');
  const line = `sudo apt-get install ${still.flatMap((tool) => tool.packages).join(' ')}`;
  throw new Error(`${names} must be installed. Type:\n\n    ${line}\n`);
}

if (import.meta.main) {
  try {
    ensureTools();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
