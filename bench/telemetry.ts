/** What telemetry costs of the throughput: every invocation traced, metrics and spans sent to a receiver, beside a host that sends nothing. */
import { readFile } from 'node:fs/promises';
import { exampleNamed } from '../examples/examples.ts';
import { mean, median } from './fairness/figures.ts';
import type { BenchReport, Figures } from './run.ts';
import { Receiver } from './telemetry/receiver.ts';
import { LoadGenerator } from './throughput/load.ts';
import { MayflyProcess } from './throughput/mayfly.ts';
import { measureRound, type Round } from './throughput/round.ts';
import type { Subject } from './throughput/subject.ts';

export const summary =
  'a hello through the front door, with every invocation traced and sent by OTLP, beside a host that sends nothing';

export const notMeasured = [
  'a guest that does more than answer: the cost is one of invocations, so that it is the largest share here',
  'outbound requests and log lines, which are sent one by one as well',
  'a collector: the receiver reads and counts, on the same two cores (`cpuMillis`, of the whole run)',
  'metrics by themselves: both hosts count (`/metrics` is always there); one of them sends',
];

/** V8 goes on optimising a host for ten seconds of load. */
const WARM_UPS = 12;
const ROUNDS = 15;
/** Of each kind: two hosts that do the same differ by up to 15 %, by what V8 made of them and where their memory lies. */
const HOSTS = 3;

const OFF = 'nothing sent';
const ON = 'every invocation traced';
const TENTH = 'one in ten traced';

/** As they come; but that batches are not sent while nobody looks, at the end of a round, counts for both. */
const SAMPLERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [ON]: {},
  [TENTH]: { OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' },
};

export async function run(): Promise<BenchReport> {
  await using resources = new AsyncDisposableStack();
  const receiver = resources.use(await Receiver.start());
  const component = await readFile(await exampleNamed('tiny-wat')!.build());
  const subjects: Subject[] = [];
  for (const name of Array.from({ length: HOSTS }, () => [OFF, ON, TENTH]).flat()) {
    const settings = SAMPLERS[name];
    const host = resources.use(
      await MayflyProcess.start({
        MAYFLY_THREADS: '1',
        ...(settings === undefined ? {} : { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.origin, ...settings }),
      }),
    );
    const path = await host.deploy('small', component);
    subjects.push({ name, port: host.port, path, server: host.server });
  }
  const generator = resources.use(await LoadGenerator.start());
  const rounds = new Map<string, Round[][]>(subjects.map(({ name }) => [name, []]));
  for (let round = -WARM_UPS; round < ROUNDS; round++) {
    for (const all of rounds.values()) if (round >= 0) all.push([]);
    for (const subject of round % 2 === 0 ? subjects : subjects.toReversed()) {
      const measured = await measureRound(generator, subject);
      if (round >= 0) rounds.get(subject.name)!.at(-1)!.push(measured);
    }
  }
  const { exports, bytes, cpuMillis } = await receiver.received();
  if (exports === 0) throw new Error('nothing was sent: there is nothing to compare');
  const results: Record<string, Figures> = Object.fromEntries(
    [...rounds].map(([name, all]) => {
      const each = all.flat();
      return [
        name,
        {
          rps: median(each.map(({ rps }) => rps)),
          p50Ms: median(each.map(({ busy }) => busy.quantileMs(0.5))),
          p99Ms: median(each.map(({ busy }) => busy.quantileMs(0.99))),
          cpuMicros: median(each.map(({ cpuMicros }) => cpuMicros)),
        },
      ];
    }),
  );
  return {
    ratios: {
      throughput_with_telemetry: ratio(rounds, ON, ({ rps }) => rps),
      throughput_with_a_tenth: ratio(rounds, TENTH, ({ rps }) => rps),
      // Of processor time, all threads of the host.
      cpu_with_telemetry: ratio(rounds, ON, ({ cpuMicros }) => cpuMicros),
    },
    results: { ...results, received: { exports, bytes, cpuMillis } },
  };
}

/** Round by round, the mean of the hosts of a kind over that of the others: both have the same neighbours then. */
function ratio(
  rounds: ReadonlyMap<string, readonly (readonly Round[])[]>,
  name: string,
  of: (round: Round) => number,
): number {
  const off = rounds.get(OFF)!;
  return median(rounds.get(name)!.map((round, i) => mean(round.map(of)) / mean(off[i]!.map(of))));
}
