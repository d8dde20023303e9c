/**
 * `npm run fuzz -- instrument [--seconds N] [--seed S] [--case K]`: feeds the rewriter of modules malformed ones and
 * valid ones, for as long as one likes (a minute, if not told). What it holds to:
 *
 * 1. The rewriter refuses with its own error or gives a valid module; it never calls malformed what is valid.
 * 2. It takes bounded time, and the thread bounded memory.
 * 3. A metered module does what it did before, or runs out of fuel.
 * 4. Its fuel is what the reference machine counts.
 *
 * A failure is printed with its seed and number, to be repeated with `--seed S --case K`, and its module is kept in a
 * file. The last line counts the cases.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import type { FuzzMessage, FuzzWork } from './messages.ts';

const PROGRESS_MS = 5_000;
/** Nothing a case does takes a second; niced, on a machine with much other work, it may take a hundred times that. */
const HANG_MS = 300_000;
const HEAP_MB = 1_024;
/** Of the whole process: modules, instances and compiled code are outside of the heap. */
const MAX_RSS_BYTES = 4 * 2 ** 30;
const MAX_FAILURES = 10;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, case: { type: 'string' } },
});
if (positionals.length !== 1 || positionals[0] !== 'instrument') {
  console.error('usage: npm run fuzz -- instrument [--seconds N] [--seed S] [--case K]');
  process.exit(2);
}
const seconds = Number(values.seconds ?? 60);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const current = new Int32Array(new SharedArrayBuffer(4));
const folder = mkdtempSync(join(tmpdir(), 'mayfly-fuzzing-'));
const work: FuzzWork = {
  seed,
  first: Number(values.case ?? 0),
  count: values.case === undefined ? 2 ** 31 : 1,
  folder,
  current,
};
console.log(`seed ${seed}${values.case === undefined ? `, ${seconds} s` : `, case ${values.case}`}`);

let tally: Readonly<Record<string, number>> = {};
let failures = 0;
let keptIn: string | undefined;

function fail(index: number, what: string, module?: Uint8Array): void {
  failures++;
  console.error(`FAILED: case ${index} of seed ${seed}: ${what}`);
  if (module === undefined || module.length === 0) return;
  keptIn ??= mkdtempSync(join(tmpdir(), 'mayfly-fuzz-'));
  const path = join(keptIn, `${seed}-${index}.wasm`);
  writeFileSync(path, module);
  console.error(`  its module: ${path}`);
}

const startedAt = performance.now();
const worker = new Worker(new URL('worker.ts', import.meta.url), {
  workerData: work,
  resourceLimits: { maxOldGenerationSizeMb: HEAP_MB },
});
const ended = Promise.withResolvers<void>();
worker.on('message', (message: FuzzMessage) => {
  if (message.type === 'progress') tally = message.tally;
  else fail(message.index, message.what, message.module);
  if (failures >= MAX_FAILURES) ended.resolve();
});
worker.on('error', (error) => {
  fail(Atomics.load(current, 0), `the thread died: ${(error as Error).stack}`);
  ended.resolve();
});
worker.on('exit', () => ended.resolve());

function report(): void {
  const elapsed = (performance.now() - startedAt) / 1_000;
  const { cases = 0, ...rest } = tally;
  const text = Object.entries(rest).map(([name, count]) => `${count} ${name}`);
  const megabytes = Math.round(process.memoryUsage.rss() / 2 ** 20);
  console.log(
    `${elapsed.toFixed(0)} s: ${cases} cases, ${(cases / elapsed).toFixed(0)}/s, ${megabytes} MB; ${text.join(', ')}`,
  );
}

let [lastCase, lastChange] = [-1, performance.now()];
const progress = setInterval(() => {
  report();
  const now = performance.now();
  const running = Atomics.load(current, 0);
  if (running !== lastCase) [lastCase, lastChange] = [running, now];
  else if (now - lastChange > HANG_MS) {
    fail(running, `still running after ${HANG_MS} ms`);
    ended.resolve();
  }
  const rss = process.memoryUsage.rss();
  if (rss > MAX_RSS_BYTES) {
    fail(running, `the process takes ${rss} bytes`);
    ended.resolve();
  }
}, PROGRESS_MS);
const deadline = setTimeout(() => ended.resolve(), values.case === undefined ? seconds * 1_000 : HANG_MS);
await ended.promise;
clearInterval(progress);
clearTimeout(deadline);
await worker.terminate();
rmSync(folder, { recursive: true, force: true });
report();
const cases = tally['cases'] ?? 0;
console.log(`${Math.max(0, cases - failures)} passed, ${failures} failed`);
process.exitCode = failures === 0 && cases > 0 ? 0 : 1;
