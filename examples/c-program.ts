import { execFile } from 'node:child_process';
import { access, rename, rm } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { BuildError } from '../guest-sdk/build/build-error.ts';

const run = promisify(execFile);

/** What Debian calls the packages that compile C for WASI. */
export const CLANG_PACKAGES = ['clang', 'lld', 'wasi-libc', 'libclang-rt-dev-wasm32'] as const;

/** 64 KiB of stack suffice here; the linker's default is 1 MiB of memory that every instance would carry. */
export function clangCommand(source: string, output: string): readonly string[] {
  return [
    'clang',
    '--target=wasm32-wasi',
    '-O2',
    '-Wall',
    '-Wextra',
    '-Wl,-z,stack-size=65536',
    '-Wl,--strip-all',
    '-o',
    output,
    source,
  ];
}

/** @throws {BuildError} with the compiler's own words, or the packages to install */
export async function compileC(source: string, output: string): Promise<void> {
  // Through a temporary name, so that a reader never sees half a module.
  const temporary = `${output}.${process.pid}.tmp`;
  const [program = '', ...args] = clangCommand(source, temporary);
  try {
    await run(program, args);
    await rename(temporary, output);
  } catch (error) {
    await rm(temporary, { force: true });
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT')
      throw new BuildError(`clang is not installed: apt-get install ${CLANG_PACKAGES.join(' ')}`);
    throw new BuildError(`${source} does not compile:\n${stderr ?? ''}`, { cause: error });
  }
}

async function isFile(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** Whether this machine can compile C for WASI: the compiler, the linker and the C library. */
export async function hasClang(path: string = process.env['PATH'] ?? ''): Promise<boolean> {
  const folders = path.split(delimiter).filter((folder) => folder !== '');
  const find = async (name: string): Promise<boolean> =>
    (await Promise.all(folders.map((folder) => isFile(join(folder, name))))).includes(true);
  const parts = await Promise.all([
    find('clang'),
    find('wasm-ld'),
    isFile('/usr/include/wasm32-wasi/stdio.h'),
  ]);
  return parts.every(Boolean);
}
