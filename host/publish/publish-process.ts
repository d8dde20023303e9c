/**
 * Process entry: publishes one job at a time for the host that started it. Argument: the bound on its resident
 * memory in bytes. It holds no state between jobs and nothing of it outlives the connection to the host.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { isToolCrash } from '../compiler/tool-failure.ts';
import { MayflyError, toErrorMessage } from '../errors/errors.ts';
import { entryUrl } from './entry-url.ts';
import type { PublishInput, PublishOutput } from './messages.ts';
import { runPipeline } from './pipeline.ts';
import { checkUpload } from './upload-check.ts';
import type { WatchdogData } from './watchdog-data.ts';

const limitBytes = Number(process.argv[2]);
const busy = new Int32Array(new SharedArrayBuffer(4));
const watchdogData: WatchdogData = { limitBytes, busy };
const watchdog = new Worker(entryUrl('memory-watchdog'), { workerData: watchdogData });
const watched = once(watchdog, 'online');
watchdog.on('error', (error) => {
  console.error('publishing: the memory watchdog failed:', error);
  process.exit(1);
});

// Not `process.exit`: it waits for the thread pool, where a read of a pipe or a dead disk may stand still.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// A terminal's Ctrl-C reaches every process of its group; when this one ends is the host's to say.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('message', (input: PublishInput) => {
  // No job without a watchdog.
  void watched.then(() => run(input)).then(send);
});

function send(output: PublishOutput): void {
  process.send?.(output);
}

async function run(input: PublishInput): Promise<PublishOutput> {
  setBusy(1);
  try {
    const result =
      input.kind === 'check'
        ? await checkUpload(input.job)
        : await runPipeline(input.job, (progress) => send({ kind: 'progress', progress }));
    return { kind: 'done', result, isSpent: isFull() };
  } catch (error) {
    const cause = error instanceof MayflyError ? error.cause : error;
    const trace = error instanceof MayflyError ? undefined : traceOf(error);
    return { kind: 'failed', error: toErrorMessage(error), trace, isSpent: isToolCrash(cause) || isFull() };
  } finally {
    setBusy(0);
  }
}

function setBusy(value: 0 | 1): void {
  Atomics.store(busy, 0, value);
  Atomics.notify(busy, 0);
}

/** The memory of a Wasm instance never shrinks: past half of the bound, the next job gets a fresh process. */
function isFull(): boolean {
  return process.memoryUsage.rss() > limitBytes / 2;
}

function traceOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
