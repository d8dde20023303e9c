/** Invocations that have ended, of every kind that a host has. */
import type { EndedInvocation } from '../../../host/model/ended-invocation.ts';
import type { LiveFunction } from '../../../host/model/function-version.ts';
import { InvocationTrace, type InvocationTraceOptions } from '../../../host/model/invocation-trace.ts';
import type { UsageRecord } from '../../../host/model/usage-record.ts';
import type { Random } from '../../instrument/random.ts';
import { useOfRecord } from '../random-usage.ts';

const PATHS = [
  '/',
  '/here',
  '/here?secret=1',
  '/straße/1',
  `/${'long/'.repeat(30)}`,
  `/${'ü'.repeat(4_000)}`,
];

export function hex(random: Random, digits: number): string {
  return Array.from({ length: digits }, (_, i) => (i === 0 ? 'f' : random.below(16).toString(16))).join('');
}

/** Ids of spans as both sides get them: the same in the same order. */
export function counting(): () => string {
  let ids = 0;
  return () => (++ids).toString(16).padStart(16, '0');
}

export function traceOf(random: Random, change: Partial<InvocationTraceOptions> = {}): InvocationTrace {
  const traceId = hex(random, 32);
  const context = { traceId, spanId: hex(random, 16), isSampled: true };
  const parent = random.below(2) === 0 ? undefined : { traceId, spanId: hex(random, 16), isSampled: true };
  const endMs = 1.7e12 + random.below(2 ** 31) * 60 + random.below(1_000_000) / 1e6;
  const trace = new InvocationTrace({
    context,
    parent,
    isRecorded: true,
    newSpanId: () => hex(random, 16),
    nowMs: () => endMs,
    ...change,
  });
  trace.end();
  return trace;
}

/** The same object for each version, as a host has it. */
const live = new Map<string, LiveFunction>();

export function invocationOf(random: Random, record: UsageRecord, trace = traceOf(random)): EndedInvocation {
  const { tenant, name, version, artifactKey, generation } = record;
  const key = `${tenant}/${name}/${version}`;
  const found = live.get(key) ?? ({ tenant, generation, name, version, artifactKey } as LiveFunction);
  live.set(key, found);
  const isRequest = record.trigger === 'http' || record.trigger === 'invoke';
  const http = {
    method: random.pick(['GET', 'POST', 'DELETE']),
    path: random.pick(PATHS),
    status: random.pick([200, 204, 404, 500, 502]),
  };
  return {
    live: found,
    trace,
    use: useOfRecord(record),
    links: random.below(2) === 0 ? undefined : [],
    http: isRequest ? http : undefined,
  };
}
