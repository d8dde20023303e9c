import type { InvocationResult } from '../instance/engine.ts';
import type { TenantClock } from '../model/tenant.ts';

/** W3C Server-Timing; durations in milliseconds, whole ones where the function's own clock shows no more. */
export function serverTiming(
  admissionMs: number,
  { execMs, initMs, queueMs: turnMs }: InvocationResult,
  clock: TenantClock,
): string {
  const shown = (ms: number): string => (clock === 'fine' ? ms.toFixed(3) : String(Math.floor(ms)));
  return `queue;dur=${shown(admissionMs + turnMs)}, init;dur=${shown(initMs)}, exec;dur=${shown(execMs)}`;
}
