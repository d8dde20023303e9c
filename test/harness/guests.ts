/** Guests for tests, built from source by real toolchains. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A wasip1 command from C source, by Debian's clang. */
export async function cCommand(source: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-c-'));
  try {
    const input = join(folder, 'guest.c');
    const output = join(folder, 'guest.wasm');
    await writeFile(input, source);
    await run('clang', ['--target=wasm32-wasi', '-O1', '-o', output, input]);
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
