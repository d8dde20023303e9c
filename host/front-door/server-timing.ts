import type { InvocationResult } from '../instance/engine.ts';
import type { TenantClock } from '../model/tenant.ts';

/** W3C Server-Timing; durations in milliseconds, whole ones where the function's own clock shows no more. */
export function serverTiming(
  admissionMs: number,
  { execMs, initMs, queueMs: turnMs }: InvocationResult,
  clock: TenantClock,
): string {
  const shown = clock === 'fine' ? fine : coarse;
  return `queue;dur=${shown(admissionMs + turnMs)}, init;dur=${shown(initMs)}, exec;dur=${shown(execMs)}`;
}

/** As `toFixed(3)`, which takes several times as long. */
function fine(ms: number): string {
  const micros = Math.max(0, Math.round(ms * 1_000));
  const rest = micros % 1_000;
  const zeros = rest < 10 ? '00' : rest < 100 ? '0' : '';
  return `${Math.floor(micros / 1_000)}.${zeros}${rest}`;
}

function coarse(ms: number): string {
  return String(Math.floor(ms));
}
