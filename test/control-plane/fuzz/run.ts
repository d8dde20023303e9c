/**
 * `npm run fuzz:http [-- --minutes N] [--seed S] [--case K]`: requests to a real host, for as long as one likes (a minute,
 * if not told). What it holds to is in answer-judge.ts; and the host's memory is bounded, and it complains of nothing.
 *
 * A failure is printed with its number and its request; `--seed S --case K` sends that request alone. Many depend
 * on what came before: `--seed S` sends all of them again, in the same order but for what four lanes make of it.
 */
import { parseArgs } from 'node:util';
import { fuzzHttp } from './http-fuzz.ts';

const MAX_FAILURES = 20;
/** What a cache, a pool or V8 may take on the way to its own bound. */
const SLACK_BYTES = 64 * 2 ** 20;
const GROWTH = 1.25;
const PRINT_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: { minutes: { type: 'string' }, seed: { type: 'string' }, case: { type: 'string' } },
});
const minutes = Number(values.minutes ?? 1);
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const first = Number(values.case ?? 0);
console.log(`seed ${seed}${values.case === undefined ? `, ${minutes} minutes` : `, case ${first}`}`);

let failures = 0;
const memory: number[] = [];
const startedMs = performance.now();
const endMs = startedMs + minutes * 60_000;
let printedMs = startedMs;
const { sent, outcomes, complaints } = await fuzzHttp({
  seed,
  first,
  goesOn: (count) =>
    failures < MAX_FAILURES && (values.case === undefined ? performance.now() < endMs : count === 0),
  onFailure: (index, what, request) => {
    failures++;
    console.error(`FAILED: case ${index} of seed ${seed} (${request.kind}): ${what}`);
    console.error(`  ${JSON.stringify(request.bytes.subarray(0, 1_000).toString('latin1'))}`);
  },
  onProgress: (count, _outcomes, rssBytes) => {
    memory.push(rssBytes);
    if (performance.now() - printedMs < PRINT_EVERY_MS) return;
    printedMs = performance.now();
    const seconds = Math.round((printedMs - startedMs) / 1_000);
    console.log(`${seconds} s: ${count} requests, the host takes ${Math.round(rssBytes / 2 ** 20)} MiB`);
  },
});
for (const line of complaints) console.error(`the host said: ${line}`);
console.log(
  `${sent} requests: ${Object.entries(outcomes)
    .map(([status, count]) => `${count} x ${status}`)
    .join(', ')}`,
);
const [early, late] = [median(part(1)), median(part(3))];
console.log(
  `memory of the host: ${mebibytes(early)} MiB in the second quarter, ${mebibytes(late)} in the last`,
);
const hasGrown = memory.length >= 8 && late > early * GROWTH + SLACK_BYTES;
if (hasGrown) console.error('FAILED: the memory of the host grew');
console.log(`${sent - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 && complaints.length === 0 && !hasGrown && sent > 0 ? 0 : 1;

/** A quarter of the readings, counted from 0. */
function part(quarter: number): number[] {
  return memory.slice((memory.length * quarter) / 4, (memory.length * (quarter + 1)) / 4);
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? 0;
}

function mebibytes(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
