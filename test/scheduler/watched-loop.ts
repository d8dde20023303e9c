/** A thread whose loop is watched, and which has nothing else to do, for event-loop-watch.test.ts. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { EventLoopWatch } from '../../host/scheduler/event-loop-watch.ts';

export interface WatchedLoopData {
  /** How many times something comes of which the thread hears through the watch alone. */
  readonly arrivals: number;
  /** How many of them it has computed for so far. */
  readonly awaited: SharedArrayBuffer;
}

export type WatchedLoopAnswer =
  | { readonly port: number }
  | { readonly noticed: readonly boolean[]; readonly isQuietAfterClose: boolean };

/** V8 may have tasks of its own for the loop: not each turn is quiet. */
const MAX_TURNS = 1_000;
const NEVER_MS = 20_000;

const data = workerData as WatchedLoopData;
const awaited = new Int32Array(data.awaited);

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Whether it was quiet first, and then, in the same turn, no more. */
async function notices(watch: EventLoopWatch): Promise<boolean> {
  for (let turn = 0; turn < MAX_TURNS; turn++) {
    await nextTurn();
    if (!watch.isQuiet() || !watch.isQuiet()) continue;
    const endMs = performance.now() + NEVER_MS;
    Atomics.add(awaited, 0, 1);
    Atomics.notify(awaited, 0);
    while (watch.isQuiet()) if (performance.now() > endMs) return false;
    return true;
  }
  return false;
}

const server = createServer((socket) => socket.resume());
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const watch = await EventLoopWatch.of(server);
if (watch === undefined) throw new Error('the loop of this thread cannot be watched');
const connected = once(server, 'connection');
parentPort!.on('message', () => {});
parentPort!.postMessage({ port: (server.address() as AddressInfo).port } satisfies WatchedLoopAnswer);
await connected;
const noticed: boolean[] = [];
while (noticed.length < data.arrivals) noticed.push(await notices(watch));
watch.close();
watch.close();
const isQuietAfterClose = watch.isQuiet();
parentPort!.postMessage({ noticed, isQuietAfterClose } satisfies WatchedLoopAnswer);
parentPort!.close();
server.close();
