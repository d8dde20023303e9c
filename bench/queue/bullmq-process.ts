/** `node bullmq-process.ts MODULE REDIS_PORT`: adds jobs and works them off, as often as its parent says. */

export interface BullRound {
  readonly jobs: number;
  readonly concurrency: number;
}

export interface BullRoundResult {
  readonly elapsedMs: number;
  /** Of all threads of the process. */
  readonly cpuMicros: number;
}

/** What is used of it. */
interface BullQueue {
  addBulk(jobs: readonly { name: string; data: unknown; opts: object }[]): Promise<unknown>;
  close(): Promise<void>;
}
interface BullWorker {
  on(event: 'completed', listener: () => void): void;
  run(): Promise<void>;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}
interface BullModule {
  readonly Queue: new (name: string, options: object) => BullQueue;
  readonly Worker: new (name: string, processor: () => Promise<void>, options: object) => BullWorker;
}

const BULK = 1_000;
const [, , module = '', port = ''] = process.argv;
const { Queue, Worker } = (await import(module)) as BullModule;
const connection = { host: '127.0.0.1', port: Number(port), maxRetriesPerRequest: null };
/** Kept nowhere once it is done, as a message is. */
const opts = { removeOnComplete: true, removeOnFail: true };
const data = { body: 'x'.repeat(100) };

async function round({ jobs, concurrency }: BullRound): Promise<BullRoundResult> {
  const queue = new Queue('bench', { connection });
  for (let left = jobs; left > 0; left -= BULK) {
    await queue.addBulk(
      Array.from({ length: Math.min(BULK, left) }, () => ({ name: 'message', data, opts })),
    );
  }
  const worker = new Worker('bench', async () => {}, { connection, concurrency, autorun: false });
  const done = Promise.withResolvers<void>();
  let completed = 0;
  worker.on('completed', () => {
    completed++;
    if (completed === jobs) done.resolve();
  });
  await worker.waitUntilReady();
  const cpu = process.cpuUsage();
  const startMs = performance.now();
  void worker.run();
  await done.promise;
  const elapsedMs = performance.now() - startMs;
  const { user, system } = process.cpuUsage(cpu);
  await worker.close();
  await queue.close();
  return { elapsedMs, cpuMicros: user + system };
}

process.on('message', (message) => {
  void round(message as BullRound).then((result) => process.send!(result));
});
process.send!('ready');
