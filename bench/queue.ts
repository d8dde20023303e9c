/** Queues: the embedded engine alone, and messages through a whole host on either engine. */
import { endToEndReport } from './queue/end-to-end.ts';
import { engineReport } from './queue/engine.ts';
import type { BenchReport } from './run.ts';

export const summary =
  'queues: the embedded engine alone, then a no-op function in batches of 10 on SQLite and Redis beside BullMQ';

export const notMeasured = [
  'the disk: how long a sync takes is what the machine gives, and the sends wait for it',
  'large messages: each has 100 bytes',
  'Redis on another machine: it shares the cores with the host and with BullMQ',
  'in the part without a host: functions; a consumer settles at once what it has claimed',
];

export async function run(): Promise<BenchReport> {
  const engine = await engineReport();
  const whole = await endToEndReport();
  return {
    results: { ...engine.results, ...whole.results },
    ratios: { ...engine.ratios, ...whole.ratios },
  };
}
