/** Queues: the engine alone. */
import { engineReport } from './queue/engine.ts';
import type { BenchReport } from './run.ts';

export const summary =
  'the embedded queues: messages in and out per second in batches of 10, with a small and a large backlog';

export const notMeasured = [
  'functions: a consumer settles at once what it has claimed',
  'the disk: how long a sync takes is what the machine gives, and the sends wait for it',
  'large messages: each has 100 bytes',
];

export function run(): Promise<BenchReport> {
  return engineReport();
}
