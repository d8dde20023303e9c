/** What pairs of calls to one host leave out, since the untraced ones have it, too. */
import { Tracing } from '../../host/worker/tracing.ts';
import type { LoadGenerator } from '../throughput/load.ts';
import { MayflyProcess } from '../throughput/mayfly.ts';
import { TEXT } from '../throughput/subject.ts';
import { Receiver } from './receiver.ts';

const BEGUN = 200_000;
const WARM_UPS = 5;
/** Many exports in a short time; by default there is one a minute. */
const INTERVAL_MS = 100;
const EXPORTS = 40;

/** Beginning a trace, in µs: a host that sends nothing has none where the caller sent none. In a loop, the last of some. */
export function beginMicros(): number {
  const tracing = new Tracing({ isOn: true, isParentBased: true, ratio: 1 });
  let micros = 0;
  let recorded = 0;
  for (let i = 0; i < WARM_UPS; i++) {
    const start = process.cpuUsage();
    for (let j = 0; j < BEGUN; j++) if (tracing.begin(undefined)?.isRecorded) recorded++;
    const { user, system } = process.cpuUsage(start);
    micros = (user + system) / BEGUN;
  }
  if (recorded !== BEGUN * WARM_UPS) throw new Error('a trace was not recorded');
  return micros;
}

/** Processor time of one export of a host's metrics, in µs: of the host, which does nothing else meanwhile, and of the receiver. */
export async function metricsExportMicros(component: Uint8Array, generator: LoadGenerator): Promise<number> {
  await using receiver = await Receiver.start();
  await using host = await MayflyProcess.start({
    MAYFLY_THREADS: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin,
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRIC_EXPORT_INTERVAL: String(INTERVAL_MS),
  });
  const path = await host.deploy('small', component);
  // So that there are series to export, and the host is warm.
  await generator.run({ port: host.port, path, body: TEXT, connections: 8, durationMs: 2_000 });
  const begin = await receiver.received();
  const before = host.server.cpuMicros();
  let end = begin;
  while (end.exports < begin.exports + EXPORTS) {
    await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    end = await receiver.received();
  }
  const micros = host.server.cpuMicros() - before + (end.cpuMillis - begin.cpuMillis) * 1_000;
  return micros / (end.exports - begin.exports);
}
