import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GuestProgram } from './guest-program.ts';

const SOURCES = join(import.meta.dirname, '../programs');
/** Freestanding but for memcpy and its kin, which come from wasi-libc. */
const FLAGS = ['--target=wasm32-wasi', '-O2', '-nostartfiles', '-Wl,--no-entry,--strip-debug'];
const run = promisify(execFile);

/** The programs of bench/programs, compiled by clang into `folder`. */
export async function compilePrograms(folder: string): Promise<readonly GuestProgram[]> {
  await mkdir(folder, { recursive: true });
  const sources = (await readdir(SOURCES)).filter((name) => name.endsWith('.c')).sort();
  const programs: GuestProgram[] = [];
  for (const source of sources) {
    const name = source.slice(0, -'.c'.length);
    const file = join(folder, `${name}.wasm`);
    await run('clang', [...FLAGS, '-o', file, join(SOURCES, source)]);
    const bytes = await readFile(file);
    programs.push({
      name,
      async load(engine) {
        const { exports } = engine.instantiate(engine.compile(bytes));
        return { run: exports['run'] as () => number };
      },
    });
  }
  return programs;
}
