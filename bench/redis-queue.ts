/** Queues on Redis: the engine alone. */
import { redisEngineReport } from './queue/redis-engine.ts';
import type { BenchReport } from './run.ts';

export const summary =
  'queues on Redis: messages in and out per second in batches of 10, with a small and a large backlog';

export const notMeasured = [
  'functions: a consumer settles at once what it has claimed',
  'the disk: Redis syncs its append-only file every second here, not before each answer',
  'the network: Redis runs on the same machine, whose cores it shares with the host',
];

export function run(): Promise<BenchReport> {
  return redisEngineReport();
}
