import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const RUNNER = fileURLToPath(new URL('run-program.ts', import.meta.url));
const MAX_OUTPUT = 256 << 20;

export interface Comparison {
  readonly plain: Buffer;
  readonly metered: Buffer;
  /** Of the metered run: fuel, and the bytes of all its modules before and after. */
  readonly meter: { readonly fuel: number; readonly plain: number; readonly metered: number };
}

async function runProgram(
  mode: string,
  path: string,
  packages: string,
): Promise<{ stdout: Buffer; stderr: Buffer }> {
  return promisify(execFile)(process.execPath, [RUNNER, mode, path, packages], {
    encoding: 'buffer',
    maxBuffer: MAX_OUTPUT,
    timeout: 220_000,
  });
}

/** Runs one of programs/ twice, each time in a process of its own. Throws if either fails. */
export async function compareProgram(path: string, packages = ''): Promise<Comparison> {
  const plain = await runProgram('plain', path, packages);
  const metered = await runProgram('metered', path, packages);
  const lastLine = metered.stderr.toString().trimEnd().split('\n').at(-1)!;
  return { plain: plain.stdout, metered: metered.stdout, meter: JSON.parse(lastLine) as Comparison['meter'] };
}
