/** What telemetry costs of the throughput: every invocation traced and sent, metrics and spans, beside nothing sent. */
import { readFile } from 'node:fs/promises';
import { exampleNamed } from '../examples/examples.ts';
import { median } from './fairness/figures.ts';
import type { BenchReport, Figures } from './run.ts';
import { type Estimate, estimate } from './telemetry/estimate.ts';
import { beginMicros, metricsExportMicros } from './telemetry/left-out.ts';
import { Receiver } from './telemetry/receiver.ts';
import { sentSpans } from './telemetry/sent-spans.ts';
import { DELAYS, type Kind, measureTurn, type Turn } from './telemetry/turn.ts';
import { LoadGenerator } from './throughput/load.ts';
import { MayflyProcess } from './throughput/mayfly.ts';

export const summary =
  'a hello through the front door, with every invocation traced and sent by OTLP, beside calls that are not';

export const notMeasured = [
  'a guest that does more than answer: the cost is one of invocations, so that it is the largest share here',
  'outbound requests and log lines, which are sent one by one as well',
  'a collector: the receiver reads and counts, on the same two cores, in the turns that it belongs to',
  'metrics by themselves: all hosts count (`/metrics` is always there)',
  'that one process does both: two hosts that do the same differ by up to 15 %, by what V8 made of them and where their memory lies',
];

/** V8 goes on optimising a host for ten seconds of load. */
const WARM_UPS = 16;
/** One after the other: pairs are of one host, and each host is another. */
const HOSTS = 3;
const ROUNDS = 36;
/** By default. */
const METRICS_EXPORT_S = 60;

/** Each kind is as often first, second and third, and before each of the others. */
const ORDERS: readonly (readonly Kind[])[] = [
  ['traced', 'untraced', 'control'],
  ['control', 'untraced', 'traced'],
  ['untraced', 'traced', 'control'],
  ['control', 'traced', 'untraced'],
  ['untraced', 'control', 'traced'],
  ['traced', 'control', 'untraced'],
];

type Round = Readonly<Record<Kind, Turn>>;

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const component = await readFile(await exampleNamed('tiny-wat')!.build());
  const generator = resources.use(await LoadGenerator.start());
  const receiver = resources.use(await Receiver.start());
  const rounds: Round[] = [];
  let traced = 0;
  let sent = 0;
  for (let i = 0; i < HOSTS; i++) {
    const measured = await measureHost(receiver, component, generator);
    rounds.push(...measured.rounds);
    traced += measured.traced;
    sent += measured.sent;
  }
  const { exports, bytes, cpuMillis } = await receiver.received();
  const throughput = beside(rounds, ({ rps }) => rps);
  const cpu = beside(rounds, ({ cpuMicros }) => cpuMicros);
  const control = estimate(rounds.map((round) => round.control.rps / round.untraced.rps));

  const untraced = figures(rounds.flatMap((round) => [round.untraced, round.control]));
  const begin = beginMicros();
  const metricsExport = await metricsExportMicros(component, generator);
  const leftOutMicros = begin + metricsExport / (METRICS_EXPORT_S * untraced.rps);
  return {
    ratios: {
      // What is left out is taken from the core that answers, as if no other were idle.
      throughput_with_telemetry: throughput.ratio / (1 + (leftOutMicros * untraced.rps) / 1e6),
      // Of processor time, all threads of the host.
      cpu_with_telemetry: cpu.ratio + leftOutMicros / untraced.cpuMicros,
      throughput_control: control.ratio,
    },
    results: {
      traced: figures(rounds.map((round) => round.traced)),
      untraced,
      error: { throughput: throughput.error, cpu: cpu.error, control: control.error },
      leftOut: { beginMicros: begin, metricsExportMicros: metricsExport, micros: leftOutMicros },
      received: { exports, bytes, cpuMillis, spansPerTraced: sent / traced },
    },
  };
}

interface MeasuredHost {
  readonly rounds: readonly Round[];
  /** Invocations that were traced. */
  readonly traced: number;
  /** Spans. */
  readonly sent: number;
}

async function measureHost(
  receiver: Receiver,
  component: Uint8Array,
  generator: LoadGenerator,
): Promise<MeasuredHost> {
  await using host = await MayflyProcess.start({
    MAYFLY_THREADS: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin,
    ...DELAYS,
  });
  const path = await host.deploy('small', component);
  const subject = { name: 'host', port: host.port, path, server: host.server };
  let traced = 0;
  const take = async (kind: Kind): Promise<Turn> => {
    const turn = await measureTurn(generator, subject, kind);
    if (kind === 'traced') traced += turn.requests;
    return turn;
  };
  for (let i = 0; i < WARM_UPS; i++) await take(i % 2 === 0 ? 'traced' : 'untraced');
  const rounds: Round[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const round: Partial<Record<Kind, Turn>> = {};
    for (const kind of ORDERS[i % ORDERS.length]!) round[kind] = await take(kind);
    rounds.push(round as Round);
  }
  return { rounds, traced, sent: await sentSpans(host, traced) };
}

/** Traced calls over those of the same round that are not. */
function beside(rounds: readonly Round[], of: (turn: Turn) => number): Estimate {
  return estimate(
    rounds.map(({ traced, untraced, control }) => of(traced) / Math.sqrt(of(untraced) * of(control))),
  );
}

function figures(turns: readonly Turn[]): Figures & Pick<Turn, 'rps' | 'cpuMicros'> {
  const of = (figure: (turn: Turn) => number): number => median(turns.map(figure));
  return {
    rps: of(({ rps }) => rps),
    p50Ms: of(({ p50Ms }) => p50Ms),
    p99Ms: of(({ p99Ms }) => p99Ms),
    cpuMicros: of(({ cpuMicros }) => cpuMicros),
  };
}
