/** A thread that asks for places at random, for admission-threads.test.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { Admission, type Place } from '../../host/scheduler/admission.ts';
import { QuotaTable, type QuotaTableBuffers } from '../../host/scheduler/quota-table.ts';
import { Random } from '../instrument/random.ts';
import { applicant, REAL_CLOCK, TENANT } from './quota-fixture.ts';

export interface AskingThreadData {
  readonly buffers: QuotaTableBuffers;
  readonly thread: number;
  readonly threads: number;
  readonly seed: number;
  readonly asks: number;
  /** Holds its places at once, up to so many. */
  readonly holds: number;
  /** What runs by the threads' own count, the most that ever did, and how many threads are there. */
  readonly truth: SharedArrayBuffer;
  /** `die-inside`: takes the tenant's lock and never gives it back. */
  readonly mode: 'ask' | 'die-inside';
  readonly functionConcurrency: number;
}

export interface AskingThreadResult {
  readonly admitted: number;
  readonly fuel: number;
}

const data = workerData as AskingThreadData;
const table = new QuotaTable(data.buffers);

if (data.mode === 'die-inside') {
  table.locked(TENANT, data.thread, () => {
    parentPort?.postMessage('inside');
    for (;;);
  });
}

const truth = new Int32Array(data.truth);
const admission = new Admission(table, data.thread, REAL_CLOCK);
const random = new Random(data.seed);
const held: Place[] = [];
let admitted = 0;
let fuel = 0;

function leaveOne(): void {
  const place = held.splice(random.below(held.length), 1)[0];
  if (place === undefined) return;
  const used = random.below(1_000);
  fuel += used;
  Atomics.sub(truth, 0, 1);
  place.leave(used);
}

function ask(): void {
  const verdict = admission.ask(applicant(0, { concurrency: data.functionConcurrency }));
  if (verdict.kind !== 'place') return;
  admitted++;
  held.push(verdict);
  const running = Atomics.add(truth, 0, 1) + 1;
  for (let most = Atomics.load(truth, 1); running > most; most = Atomics.load(truth, 1)) {
    if (Atomics.compareExchange(truth, 1, most, running) === most) break;
  }
}

// All there is to have is taken before anybody leaves, however little the machine lets threads run side by side.
for (let i = 0; i < data.holds; i++) ask();
// Nobody goes on before all are there.
if (Atomics.add(truth, 2, 1) + 1 === data.threads) Atomics.notify(truth, 2);
while (Atomics.load(truth, 2) < data.threads) Atomics.wait(truth, 2, Atomics.load(truth, 2), 10);

for (let i = 0; i < data.asks; i++) {
  ask();
  while (held.length > data.holds || (held.length > 0 && random.below(10) < 3)) leaveOne();
}
while (held.length > 0) leaveOne();
parentPort?.postMessage({ admitted, fuel } satisfies AskingThreadResult);
