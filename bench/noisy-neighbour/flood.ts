/**
 * A thread that calls a function at a fixed rate, whatever becomes of the calls: callers who flood do not wait for
 * answers. It has a thread of its own, so that it does not delay whoever measures.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { Agent } from 'undici';

export interface FloodData {
  readonly url: string;
  readonly perSecond: number;
  /** Connections; calls beyond them wait for one, as in any client. */
  readonly connections: number;
}

/** `pause` is answered with the counts. */
export type FloodOrder = 'flood' | 'pause' | 'stop';

/** Answers by status since the flood began. */
export type FloodCounts = Readonly<Record<number, number>>;

const TICK_MS = 5;

const { url, perSecond, connections } = workerData as FloodData;
const agent = new Agent({ connections, pipelining: 1 });
const { origin, pathname } = new URL(url);
let counts: Record<number, number> = {};
let pending = 0;
let startMs = performance.now();
let sent = 0;

async function call(): Promise<void> {
  pending++;
  const status = await agent
    .request({ origin, path: pathname, method: 'GET' })
    .then(async ({ statusCode, body }) => {
      await body.dump();
      return statusCode;
    })
    // The connection broke: 0 is no status.
    .catch(() => 0);
  pending--;
  counts[status] = (counts[status] ?? 0) + 1;
}

let timer: NodeJS.Timeout | undefined;

function tick(): void {
  const due = ((performance.now() - startMs) / 1_000) * perSecond;
  for (; sent < due; sent++) {
    // What cannot be sent at all any more is not sent later, either.
    if (pending < connections * 4) void call();
  }
}

parentPort?.on('message', (message: FloodOrder) => {
  clearInterval(timer);
  switch (message) {
    case 'flood':
      counts = {};
      startMs = performance.now();
      sent = 0;
      timer = setInterval(tick, TICK_MS);
      break;
    case 'pause':
      parentPort?.postMessage(counts);
      break;
    case 'stop':
      void agent.destroy().then(() => process.exit());
      break;
  }
});
