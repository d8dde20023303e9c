/** Guests for tests, built from source by real toolchains. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suiteFolder } from './suite-folder.ts';

const run = promisify(execFile);

/**
 * Clang hands its output to any `wasm-opt` on the path. npm puts binaryen's there, which is itself WebAssembly: 0.63 s of processor time
 * a program instead of 0.09 s, for guests whose speed no test looks at.
 */
const PATH_WITHOUT_NPM = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter);

/** A wasip1 command from C source, by Debian's clang. */
export async function cCommand(source: string): Promise<Uint8Array> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-c-'));
  try {
    const input = join(folder, 'guest.c');
    const output = join(folder, 'guest.wasm');
    await writeFile(input, source);
    const env = { ...process.env, PATH: PATH_WITHOUT_NPM };
    await run('clang', ['--target=wasm32-wasi', '-O1', '-o', output, input], { env });
    return await readFile(output);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Copies standard input to standard output, chunk by chunk: while its caller holds the body open, it is in flight. */
export const ECHO = `
#include <unistd.h>
static char buffer[65536];
int main(void) {
  ssize_t n;
  write(1, "Content-Type: text/plain\\n\\n", 26);
  while ((n = read(0, buffer, sizeof buffer)) > 0)
    for (ssize_t at = 0, m; at < n; at += m) if ((m = write(1, buffer + at, n - at)) < 0) return 1;
  return 0;
}
`;

/**
 * An example's component, built in a process of its own: some toolchains leave a thread behind where they ran. `npm test` has
 * built them all before its tests, which takes 3 s of processor time for one in TypeScript.
 */
export async function exampleComponent(name: string): Promise<Uint8Array> {
  if (suiteFolder() === undefined)
    await run(process.execPath, [fileURLToPath(new URL('../../examples/build.ts', import.meta.url)), name]);
  return readFile(new URL(`../../examples/${name}/${name}.wasm`, import.meta.url));
}
