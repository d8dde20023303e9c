import type { Histogram } from '../latency/histogram.ts';
import type { LoadGenerator } from './load.ts';
import { type Subject, TEXT } from './subject.ts';

/** Enough to keep one thread busy, few enough not to measure a queue. */
const CONNECTIONS = 8;
const BUSY_MS = 700;
const ALONE_MS = 400;

/** One server's turn: many callers at a time, then one. */
export interface Round {
  readonly rps: number;
  /** Latencies with CONNECTIONS callers. */
  readonly busy: Histogram;
  /** Latencies of a single caller. */
  readonly alone: Histogram;
  /** Processor time of the server per request, with CONNECTIONS callers. */
  readonly cpuMicros: number;
  /** The same of the load generator. */
  readonly clientCpuMicros: number;
}

export async function measureRound(
  generator: LoadGenerator,
  { port, path, server }: Subject,
): Promise<Round> {
  const order = { port, path, body: TEXT };
  const before = server.cpuMicros();
  const busy = await generator.run({ ...order, connections: CONNECTIONS, durationMs: BUSY_MS });
  const cpuMicros = (server.cpuMicros() - before) / busy.requests;
  const alone = await generator.run({ ...order, connections: 1, durationMs: ALONE_MS });
  return {
    rps: busy.requests / busy.seconds,
    busy: busy.histogram,
    alone: alone.histogram,
    cpuMicros,
    clientCpuMicros: busy.cpuMicros / busy.requests,
  };
}
