/** The thread that runs the cases: the one that watches it can end it, whatever it hangs in. */
import { parentPort, workerData } from 'node:worker_threads';
import { CaseFailure, Cases } from './cases.ts';
import type { FuzzMessage, FuzzWork } from './messages.ts';

const { seed, first, count, folder, current } = workerData as FuzzWork;
const REPORT_EVERY = 200;

function post(message: FuzzMessage): void {
  parentPort!.postMessage(message);
}

const tally: Record<string, number> = {};
function add(name: string, by = 1): void {
  tally[name] = (tally[name] ?? 0) + by;
}

using cases = new Cases(seed, folder);
await cases.prepare();
for (let done = 0; done < count; done++) {
  const index = first + done;
  Atomics.store(current, 0, index);
  try {
    const { kind, isAccepted, comparison } = await cases.run(index);
    add(kind);
    add(isAccepted ? 'accepted' : 'refused');
    if (comparison !== undefined) {
      add('compared');
      add('calls', comparison.calls);
      add('traps', comparison.traps);
      add('exceptions', comparison.exceptions);
      add('counted', comparison.counted);
      if (comparison.ranOut) add('ranOut');
    }
  } catch (error) {
    add('failed');
    const failure =
      error instanceof CaseFailure ? error : new CaseFailure(`${(error as Error).stack}`, new Uint8Array());
    post({ type: 'failure', index, what: failure.message, module: failure.module });
  }
  add('cases');
  if (done % REPORT_EVERY === 0 || done === count - 1) {
    post({ type: 'progress', tally });
    // Lets the engine find instances, and what they reserve, unreachable.
    await new Promise(setImmediate);
  }
}
post({ type: 'progress', tally });
