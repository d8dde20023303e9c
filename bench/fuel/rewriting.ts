import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { meterModule } from './guest-program.ts';

const run = promisify(execFile);

/** What metering does to one module. */
export interface Rewriting {
  readonly bytes: number;
  readonly meteredBytes: number;
  /** Processor time of the fastest of the runs, the engine's validation and collecting garbage included. */
  readonly millis: number;
  /** Of that, what the engine's validation takes, measured by itself: most of it is on other threads. */
  readonly validationMillis: number;
}

/** The engine that componentize-js puts around JavaScript, by far the most code that guests come with. */
export const STARLING_MONKEY: string = join(
  fileURLToPath(new URL('.', import.meta.resolve('@bytecodealliance/componentize-js'))),
  '../lib/starlingmonkey_embedding.wasm',
);

/** Processor time of all threads: on a busy machine, wall time says how busy it is. */
function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Code for StarlingMonkey is optimised by then, which takes two runs of it on a quiet machine. */
const MIN_RUNS = 6;

/** Meters a module MIN_RUNS times and until `millis` have passed; the fastest run counts, the others warm up. */
export function measureRewriting(bytes: Uint8Array, millis: number): Rewriting {
  const until = performance.now() + millis;
  let fastest = Number.POSITIVE_INFINITY;
  let validation = Number.POSITIVE_INFINITY;
  let meteredBytes = 0;
  let runs = 0;
  do {
    runs++;
    const start = processorMs();
    meteredBytes = meterModule(bytes).length;
    const metered = processorMs();
    fastest = Math.min(fastest, metered - start);
    WebAssembly.validate(bytes as Uint8Array<ArrayBuffer>);
    validation = Math.min(validation, processorMs() - metered);
  } while (performance.now() < until || runs < MIN_RUNS);
  return { bytes: bytes.length, meteredBytes, millis: fastest, validationMillis: validation };
}

/** What metering the module in `file` takes where it is the first one of a process. */
export interface FirstRewriting {
  /** How much the process grows, in bytes, with everything loaded before. */
  readonly grownBytes: number;
  /** Processor time, the fastest of FIRST_RUNS processes that have loaded nothing of what meters. */
  readonly millis: number;
}

const FIRST_RUNS = 5;

export async function measureFirst(file: string): Promise<FirstRewriting> {
  const script = join(import.meta.dirname, 'first-rewriting.ts');
  const first = async (...options: string[]): Promise<{ bytes: number; millis: number }> => {
    const { stdout } = await run(process.execPath, [script, file, ...options]);
    return JSON.parse(stdout) as { bytes: number; millis: number };
  };
  let millis = Number.POSITIVE_INFINITY;
  for (let i = 0; i < FIRST_RUNS; i++) millis = Math.min(millis, (await first()).millis);
  const { bytes } = await first('--loaded');
  return { grownBytes: bytes, millis };
}
