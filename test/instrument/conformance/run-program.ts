/**
 * Runs one of programs/ in this process and writes what it gave to standard output: `run-program.ts plain|metered
 * FILE [FOLDER]`. The packages of the program are looked up from FOLDER. Metered, a line with the fuel and the bytes goes to
 * standard error.
 */
import { pathToFileURL } from 'node:url';
import { type MeteredProcess, meterThisProcess } from './metered-webassembly.ts';
import type { Program } from './programs/program.ts';

const [mode, path = '', from = ''] = process.argv.slice(2);
// Before the program's packages are loaded: some compile when they are imported.
const metered: MeteredProcess | undefined = mode === 'metered' ? meterThisProcess() : undefined;
const { default: run } = (await import(pathToFileURL(path).href)) as { default: Program };
const output = await run(from);
// Before the output is waited for: finalizers of a package may call its module meanwhile.
const fuel = metered?.fuel();
process.stdout.write(output, () => {
  if (metered !== undefined) {
    process.stderr.write(`${JSON.stringify({ fuel, ...metered.bytes })}\n`);
  }
  process.exit(0);
});
