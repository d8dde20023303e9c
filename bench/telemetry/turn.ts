/** Calls of one kind to one host for less than half a second, after a lead-in of the same kind. */
import type { LoadGenerator } from '../throughput/load.ts';
import { type Subject, TEXT } from '../throughput/subject.ts';

/** As many as the throughput bench has. */
const CONNECTIONS = 8;
/**
 * A turn pays for what belongs to it: a span leaves at most 300 ms after its call ended (`DELAYS`), so that what a turn causes
 * later on falls into the lead-in of the next one, and what its own lead-in causes into the turn. No longer than that: neighbours on the same
 * processor make the throughput of one second differ from that of the next by a quarter, and of 0.4 s from the next 0.4 by less than a fifth.
 */
const LEAD_IN_MS = 300;
const TURN_MS = 400;

/**
 * A serving thread keeps a span for up to 200 ms, and the SDK for as long as this (1 s unless set): under load each is sent sooner, as
 * 2,048 are there. So what is left of a turn is not sent in the middle of the next one, and there are more exports than by default, ten a second instead of four.
 */
export const DELAYS = { OTEL_BSP_SCHEDULE_DELAY: '100' } as const;

/** All are called with the same `traceparent` but for its flag, by which a host decides as its callers did. */
const FLAGS = { traced: '01', untraced: '00', control: '00' } as const;

/** `control` does what `untraced` does: what they differ by is the error of the bench. */
export type Kind = keyof typeof FLAGS;

export interface Turn {
  readonly rps: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the host per request, all its threads. */
  readonly cpuMicros: number;
  /** With those of its lead-in. */
  readonly requests: number;
}

export async function measureTurn(
  generator: LoadGenerator,
  { port, path, server }: Subject,
  kind: Kind,
): Promise<Turn> {
  const fields = `traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-${FLAGS[kind]}\r\n`;
  const order = { port, path, body: TEXT, connections: CONNECTIONS, fields };
  const leadIn = await generator.run({ ...order, durationMs: LEAD_IN_MS });
  const before = server.cpuMicros();
  const { requests, seconds, histogram } = await generator.run({ ...order, durationMs: TURN_MS });
  return {
    rps: requests / seconds,
    p50Ms: histogram.quantileMs(0.5),
    p99Ms: histogram.quantileMs(0.99),
    cpuMicros: (server.cpuMicros() - before) / requests,
    requests: leadIn.requests + requests,
  };
}
