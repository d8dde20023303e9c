/**
 * What a deployed function costs while nobody calls it, and its first call when only its artifact is left. Takes some
 * minutes; on a busy machine the functions are as many as were deployed within {@link DEPLOY_MS}, and the figures say how many.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Call, Caller } from './density/caller.ts';
import { forEachIndex } from './density/many.ts';
import { settledBytes } from './density/memory.ts';
import { Progress } from './density/progress.ts';
import { median, percentile } from './fairness/figures.ts';
import type { BenchReport, Figures } from './run.ts';
import { GUESTS } from './throughput/guests.ts';
import { MayflyProcess } from './throughput/mayfly.ts';
import { TEXT } from './throughput/subject.ts';

export const summary =
  'memory per deployed, idle function, and the first call of one whose code was given up';

export const notMeasured = [
  '10,000 components that all differ: one takes 0.3 s to publish, so that figure is from fewer, and said to be',
  'a JavaScript guest, whose code is a thousand times as large',
  'disk, and memory of the kernel (sockets, page cache)',
  'memory while functions run',
];

const NAMES = 10_000;
/** Differ in a byte of their data, so that nothing of them is shared. */
const DISTINCT = 200;
/** Calls, and uploads that have to be compiled, under way at a time: below what the host queues. */
const PARALLEL = 8;
/** Deployments of what is there already: they share syncs of the disk. */
const PARALLEL_DEPLOYMENTS = 32;
const DEPLOY_MS = 600_000;
const FIRST_CALLS = DISTINCT;

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const progress = new Progress();
  resources.defer(() => progress.end());
  const component = await GUESTS.small();
  const distinct = Array.from({ length: DISTINCT }, (_, index) => variantOf(component, index));
  const deployed = await deployAndCall(dataDir, component, distinct, progress);
  const started = await startAndCall(dataDir, distinct, progress);

  const { names, emptyBytes, distinctBytes, deployedBytes, calledBytes } = deployed;
  return {
    ratios: {
      density_bytes: (calledBytes - distinctBytes) / names,
      density_uncalled_bytes: (deployedBytes - distinctBytes) / names,
      density_distinct_bytes: (distinctBytes - emptyBytes) / DISTINCT,
      evicted_start_ms: median(started.firstMs),
    },
    results: {
      'host with one function': { functions: 1, bytes: emptyBytes },
      'distinct components, called once': { functions: DISTINCT, bytes: distinctBytes },
      'names of one component, deployed': {
        functions: names,
        bytes: deployedBytes,
        eachMs: deployed.deployMs / names,
        eachCpuMs: deployed.deployCpuMs / names,
      },
      'names of one component, called once': {
        functions: names,
        bytes: calledBytes,
        ...latencies(deployed.calledMs),
      },
      'called once more, in the same order': {
        functions: names,
        ...latencies(deployed.calledAgainMs),
        eachCpuMs: deployed.calledAgainCpuMs / names,
      },
      'start of a host that has none': { functions: 0, startMs: deployed.emptyStartMs },
      'start of a host with all of them': { functions: names + DISTINCT, startMs: started.startMs },
      'first call, only the artifact left': {
        functions: FIRST_CALLS,
        ...latencies(started.firstMs),
        eachCpuMs: started.firstCpuMs / FIRST_CALLS,
      },
    },
  };
}

interface Variant {
  readonly component: Uint8Array;
  readonly text: string;
}

async function deployAndCall(
  dataDir: string,
  component: Uint8Array,
  distinct: readonly Variant[],
  progress: Progress,
) {
  await using resources = new AsyncDisposableStack();
  progress.say('starting a host that has none');
  const { host, startMs: emptyStartMs } = await start(dataDir);
  resources.use(host);
  const caller = resources.use(new Caller(host.port, PARALLEL));
  const settled = (): Promise<number> => {
    progress.say('waiting until memory falls no more');
    return settledBytes(host.server.pid);
  };
  // What the first function brings with it is not the second one's: code of the host, of the publishing process.
  await host.deploy('first-0', component);
  await caller.call({ name: 'first-0', text: TEXT });
  const emptyBytes = await settled();

  const onPublished = (done: number): void => progress.say('publishing components', done, DISTINCT);
  await forEachIndex({ count: DISTINCT, parallel: PARALLEL, onDone: onPublished }, async (index) => {
    await host.deploy(`distinct-${index}`, distinct[index]!.component);
  });
  await callAll(caller, DISTINCT, (index) => distinctCall(distinct, index), progress);
  const distinctBytes = await settled();

  const cpuMs = (): number => host.server.cpuMicros() / 1_000;
  const [startMs, startCpuMs] = [performance.now(), cpuMs()];
  const onDone = (done: number): void => progress.say('deploying functions', done, NAMES);
  const names = await forEachIndex(
    { count: NAMES, parallel: PARALLEL_DEPLOYMENTS, mostMs: DEPLOY_MS, onDone },
    async (index) => {
      await host.deploy(`name-${index}`, component);
    },
  );
  const deployMs = performance.now() - startMs;
  const deployCpuMs = cpuMs() - startCpuMs;
  const deployedBytes = await settled();

  const nameCall = (index: number): Call => ({ name: `name-${index}`, text: TEXT });
  const calledMs = await callAll(caller, names, nameCall, progress);
  const calledBytes = await settled();
  const startAgainCpuMs = cpuMs();
  const calledAgainMs = await callAll(caller, names, nameCall, progress);
  const calledAgainCpuMs = cpuMs() - startAgainCpuMs;
  return {
    names,
    emptyStartMs,
    emptyBytes,
    distinctBytes,
    deployedBytes,
    calledBytes,
    deployMs,
    deployCpuMs,
    calledMs,
    calledAgainMs,
    calledAgainCpuMs,
  };
}

/**
 * The first call of each function in a host that has just started on the data of another: its artifact is on disk, nothing
 * of it in memory, as after its code has been given up. Others were called later, and are what this host makes ready.
 */
async function startAndCall(dataDir: string, distinct: readonly Variant[], progress: Progress) {
  await using resources = new AsyncDisposableStack();
  progress.say('starting a host with all of them');
  const { host, startMs } = await start(dataDir);
  resources.use(host);
  const caller = resources.use(new Caller(host.port, 1));
  // The host's own first call, and the connection.
  await caller.call({ name: 'first-0', text: TEXT });
  const startCpuMicros = host.server.cpuMicros();
  const firstMs: number[] = [];
  for (let index = 0; index < FIRST_CALLS; index++) {
    progress.say('calling for the first time', index, FIRST_CALLS);
    firstMs.push(await caller.call(distinctCall(distinct, index)));
  }
  const firstCpuMs = (host.server.cpuMicros() - startCpuMicros) / 1_000;
  return { startMs, firstMs, firstCpuMs };
}

async function start(dataDir: string): Promise<{ readonly host: MayflyProcess; readonly startMs: number }> {
  const startedMs = performance.now();
  const host = await MayflyProcess.start(SETTINGS, dataDir);
  return { host, startMs: performance.now() - startedMs };
}

const SETTINGS = { MAYFLY_THREADS: '1', MAYFLY_MAX_FUNCTIONS: String(NAMES + DISTINCT + 1) };

function distinctCall(distinct: readonly Variant[], index: number): Call {
  return { name: `distinct-${index}`, text: distinct[index]!.text };
}

async function callAll(
  caller: Caller,
  count: number,
  callOf: (index: number) => Call,
  progress: Progress,
): Promise<number[]> {
  const ms: number[] = [];
  const onDone = (done: number): void => progress.say('calling functions', done, count);
  await forEachIndex({ count, parallel: PARALLEL, onDone }, async (index) => {
    ms.push(await caller.call(callOf(index)));
  });
  return ms;
}

function latencies(ms: readonly number[]): Figures {
  return { p50Ms: median(ms), p99Ms: percentile(ms, 0.99) };
}

/** The component with another text of the same length in it. */
function variantOf(component: Uint8Array, index: number): Variant {
  const text = `A mayfly, the ${String(index).padStart(11, '0')}\n`;
  const bytes = Buffer.from(component);
  const at = bytes.indexOf(TEXT);
  if (at < 0 || text.length !== TEXT.length) throw new Error('the component does not have the text in it');
  bytes.write(text, at, 'latin1');
  return { component: bytes, text };
}
