import type { MayflyProcess } from '../throughput/mayfly.ts';

const LATE_MS = 5_000;
const LOOK_AGAIN_MS = 100;

/** Spans that a host has sent, once it has sent as many as there were invocations.
 * @throws Error if it has lost one, or not sent them in time */
export async function sentSpans(host: MayflyProcess, invocations: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const { sent, lost } = processed(await host.metrics());
    if (lost > 0) throw new Error(`${lost} spans were not sent`);
    if (sent >= invocations) return sent;
    if (performance.now() > startMs + LATE_MS) throw new Error(`${sent} of ${invocations} spans were sent`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

/** As the SDK counts them. */
function processed(exposition: string): { sent: number; lost: number } {
  let [sent, lost] = [0, 0];
  for (const [, labels = '', value] of exposition.matchAll(
    /^otel_sdk_processor_span_processed_total\{(.*)\} (\d+)/gm,
  )) {
    if (labels.includes('error_type=')) lost += Number(value);
    else sent += Number(value);
  }
  return { sent, lost };
}
