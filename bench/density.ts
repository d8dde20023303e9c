/** What a deployed function costs while nobody calls it, and its first call when only its artifact is left. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { forEachIndex } from './density/many.ts';
import { settledBytes } from './density/memory.ts';
import { median, percentile } from './fairness/figures.ts';
import type { BenchReport } from './run.ts';
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
/** Deployments and calls under way at a time: below what the host queues. */
const PARALLEL = 8;
const FIRST_CALLS = 100;

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  resources.defer(() => rm(dataDir, { recursive: true, force: true }));
  const component = await GUESTS.small();
  const distinct = Array.from({ length: DISTINCT }, (_, index) => variantOf(component, index));
  const settings = { MAYFLY_THREADS: '1', MAYFLY_MAX_FUNCTIONS: String(NAMES + DISTINCT + 1) };

  const host = await MayflyProcess.start(settings, dataDir);
  const figures = await (async () => {
    await using running = new AsyncDisposableStack();
    running.use(host);
    const caller = new Caller(host.port);
    running.defer(() => caller.close());
    // What the first function brings with it is not the second one's: code of the host, of the publishing process.
    await deployAll(host, 'first', 1, () => component);
    await caller.callAll('first', 1, TEXT);
    const emptyBytes = await settledBytes(host.server.pid);
    await deployAll(host, 'distinct', DISTINCT, (index) => distinct[index]!.component);
    await caller.callAll('distinct', DISTINCT, (index) => distinct[index]!.text);
    const distinctBytes = await settledBytes(host.server.pid);
    await deployAll(host, 'name', NAMES, () => component);
    const deployedBytes = await settledBytes(host.server.pid);
    await caller.callAll('name', NAMES, TEXT);
    const calledBytes = await settledBytes(host.server.pid);
    return { emptyBytes, distinctBytes, deployedBytes, calledBytes };
  })();
  const firstMs = await measureFirstCalls(
    await MayflyProcess.start(settings, dataDir),
    (index) => distinct[index]!.text,
  );

  const { emptyBytes, distinctBytes, deployedBytes, calledBytes } = figures;
  return {
    ratios: {
      density_bytes: (calledBytes - distinctBytes) / NAMES,
      density_uncalled_bytes: (deployedBytes - distinctBytes) / NAMES,
      density_distinct_bytes: (distinctBytes - emptyBytes) / DISTINCT,
      evicted_start_ms: median(firstMs),
    },
    results: {
      'host with one function': { functions: 1, bytes: emptyBytes },
      'distinct components, called once': { functions: DISTINCT, bytes: distinctBytes },
      'names of one component, deployed': { functions: NAMES, bytes: deployedBytes },
      'names of one component, called once': { functions: NAMES, bytes: calledBytes },
      'first call, only the artifact left': {
        functions: FIRST_CALLS,
        p50Ms: median(firstMs),
        p99Ms: percentile(firstMs, 0.99),
      },
    },
  };
}

/**
 * The first call of each function in a host that has just started on the data of another: its artifact is on disk, nothing
 * of it in memory, as after its code has been given up.
 */
async function measureFirstCalls(host: MayflyProcess, textOf: (index: number) => string): Promise<number[]> {
  await using resources = new AsyncDisposableStack();
  resources.use(host);
  const caller = new Caller(host.port);
  resources.defer(() => caller.close());
  // The host's own first call, and the connection.
  await caller.call('first-0', TEXT);
  const firstMs: number[] = [];
  for (let index = 0; index < FIRST_CALLS; index++) {
    const startMs = performance.now();
    await caller.call(`distinct-${index}`, textOf(index));
    firstMs.push(performance.now() - startMs);
  }
  return firstMs;
}

function deployAll(
  host: MayflyProcess,
  prefix: string,
  count: number,
  componentOf: (index: number) => Uint8Array,
): Promise<void> {
  return forEachIndex(count, PARALLEL, async (index) => {
    await host.deploy(`${prefix}-${index}`, componentOf(index));
  });
}

/** The component with another text of the same length in it. */
function variantOf(
  component: Uint8Array,
  index: number,
): { readonly component: Uint8Array; readonly text: string } {
  const text = `A mayfly, the ${String(index).padStart(11, '0')}\n`;
  const bytes = Buffer.from(component);
  const at = bytes.indexOf(TEXT);
  if (at < 0 || text.length !== TEXT.length) throw new Error('the component does not have the text in it');
  bytes.write(text, at, 'latin1');
  return { component: bytes, text };
}

class Caller {
  readonly #pool: Pool;

  constructor(port: number) {
    this.#pool = new Pool(`http://127.0.0.1:${port}`, { connections: PARALLEL, pipelining: 1 });
  }

  async call(name: string, text: string): Promise<void> {
    const { statusCode, body } = await this.#pool.request({ method: 'GET', path: `/fn/default/${name}/` });
    const answer = await body.text();
    if (statusCode !== 200 || answer !== text) throw new Error(`${name}: ${statusCode} ${answer}`);
  }

  callAll(prefix: string, count: number, text: string | ((index: number) => string)): Promise<void> {
    return forEachIndex(count, PARALLEL, (index) =>
      this.call(`${prefix}-${index}`, typeof text === 'string' ? text : text(index)),
    );
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
