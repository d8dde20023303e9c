/** A WASI 0.3 guest on our own linker beside jco's glue: what the host costs a call, and how fast events and bytes pass. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildHandler } from '../guest-sdk/build/handler.ts';
import type { LoadedArtifact } from '../host/instance/artifact.ts';
import { FuelAccount } from '../host/instance/fuel-account.ts';
import { startGlue } from '../host/instance/glue-guest.ts';
import { GuestTimers } from '../host/instance/guest-timers.ts';
import { linkGuest } from '../host/instance/linked-guest.ts';
import type { OutboundHttp } from '../host/wasi/context.ts';
import { type Handler, serveHandler } from '../host/wasi/http/serve-handler-0.3.ts';
import { createImports } from '../host/wasi/imports.ts';
import { BufferSource } from '../host/wasi/io/buffer-source.ts';
import { NULL_SINK } from '../host/wasi/io/null-sink.ts';
import { artifactOf } from '../test/harness/artifact.ts';
import { guestRun } from '../test/harness/engine-ports.ts';
import { createTestContext } from '../test/wasi/http/support/context.ts';
import { type ExchangeOptions, TestExchange } from '../test/wasi/http/support/exchange.ts';
import { TimedGuest } from './async/timed-guest.ts';
import type { BenchReport, Figures } from './run.ts';

export const summary = 'a QuickJS guest of WASI 0.3 on our own linker beside the same on jco’s glue';

export const notMeasured = [
  'sockets and front door: the exchange is in memory, and so is what the guest fetches',
  'putting an instance back in order: calls of one instance follow one another',
  'what it costs to look at the clock around each host call: about 5 µs of a hello, in ofItHost',
];

const ROUNDS = 40;
const CALLS_PER_ROUND = 25;
const STREAM_BYTES = 4 * 1024 * 1024;

const SOURCE = `export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/echo') return new Response(request.body);
    if (pathname === '/fetch') {
      for (let n = 0; n < 10; n += 1) await (await fetch('http://there.example/')).text();
    }
    return Response.json({ hello: pathname });
  },
};`;

type Road = 'linked' | 'glue';

/** Answers in the next microtask. */
const outbound: OutboundHttp = {
  send: async () => ({
    status: 200,
    headers: [],
    body: new BufferSource(Buffer.from('there')),
    trailers: async () => [],
  }),
};

interface Subject {
  readonly handle: Handler;
  readonly guest: TimedGuest;
}

async function start(artifact: LoadedArtifact, road: Road): Promise<Subject> {
  // One slice: what a guest ran after it was parked for its fuel would count as the host's.
  const fuel = new FuelAccount(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const guest = new TimedGuest(guestRun({ fuel, onTrap: (error) => console.error(error) }));
  const imports = createImports(CONTEXT);
  const parts = { modules: artifact.modules, states: artifact.states, imports };
  if (artifact.road.kind === 'linked') {
    const { component } = linkGuest(guest, { ...parts, plan: artifact.road.plan, imports: () => imports });
    return { guest, handle: component.exports['handle'] as Handler };
  }
  if (road === 'linked') throw new Error('publishing chose the glue');
  const exports = await startGlue(guest, { ...parts, glue: artifact.road.glue, timers: new GuestTimers() });
  const handler = exports[artifact.manifest.exportKey] as { readonly handle: Handler };
  return { guest, handle: handler.handle };
}

const CONTEXT = { ...createTestContext(outbound), stdout: NULL_SINK, stderr: NULL_SINK };

async function call({ handle }: Subject, options: ExchangeOptions): Promise<number> {
  const beganMs = performance.now();
  const exchange = new TestExchange(options);
  const done = serveHandler(handle, exchange, CONTEXT);
  for await (const _chunk of exchange.chunks());
  await done;
  return performance.now() - beganMs;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}

export async function run(): Promise<BenchReport> {
  const folder = await mkdtemp(join(tmpdir(), 'mayfly-bench-'));
  try {
    const entry = join(folder, 'guest.ts');
    await writeFile(entry, SOURCE);
    const { component } = await buildHandler(entry);
    return await compare({
      linked: await artifactOf(component, 'linked'),
      glue: await artifactOf(component, 'glue'),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function compare(artifacts: Readonly<Record<Road, LoadedArtifact>>): Promise<BenchReport> {
  const roads = ['linked', 'glue'] as const;
  const startMs = { linked: [] as number[], glue: [] as number[] };
  const helloMs = { linked: [] as number[], glue: [] as number[] };
  const hostMs = { linked: [] as number[], glue: [] as number[] };
  const guestMs = { linked: [] as number[], glue: [] as number[] };
  const fetchMs = { linked: [] as number[], glue: [] as number[] };
  const echoMs = { linked: [] as number[], glue: [] as number[] };
  const body = Buffer.alloc(STREAM_BYTES, 'x');
  for (let round = 0; round < ROUNDS; round++) {
    for (const road of roads) {
      const beganMs = performance.now();
      const subject = await start(artifacts[road], road);
      startMs[road].push(performance.now() - beganMs);
      for (let n = 0; n < CALLS_PER_ROUND; n++) {
        subject.guest.takeGuestMs();
        const totalMs = await call(subject, { path: '/' });
        const ownMs = subject.guest.takeGuestMs();
        if (n === 0) continue;
        helloMs[road].push(totalMs);
        guestMs[road].push(ownMs);
        hostMs[road].push(totalMs - ownMs);
      }
      fetchMs[road].push(await call(subject, { path: '/fetch' }));
      if (round % 10 === 0)
        echoMs[road].push(
          await call(subject, { method: 'POST', path: '/echo', body: new BufferSource(body) }),
        );
      subject.guest.end();
    }
  }
  const figures = (road: Road): Figures => ({
    startP50Ms: quantile(startMs[road], 0.5),
    helloP5Us: quantile(helloMs[road], 0.05) * 1000,
    helloP50Us: quantile(helloMs[road], 0.5) * 1000,
    ofItGuestP5Us: quantile(guestMs[road], 0.05) * 1000,
    ofItHostP5Us: quantile(hostMs[road], 0.05) * 1000,
    ofItHostP50Us: quantile(hostMs[road], 0.5) * 1000,
    fetchP50Us: (quantile(fetchMs[road], 0.5) / 10) * 1000,
    echoMbPerS: STREAM_BYTES / 1000 / quantile(echoMs[road], 0.5),
  });
  const results = { linked: figures('linked'), glue: figures('glue') };
  const ratio = (of: (figures: Figures) => number): number => of(results.linked) / of(results.glue);
  return {
    results,
    ratios: {
      start_vs_jco: ratio(({ startP50Ms }) => startP50Ms!),
      hello_vs_jco: ratio(({ helloP50Us }) => helloP50Us!),
      host_share_vs_jco: ratio(({ ofItHostP50Us }) => ofItHostP50Us!),
      fetch_vs_jco: ratio(({ fetchP50Us }) => fetchP50Us!),
      stream_vs_jco: ratio(({ echoMbPerS }) => echoMbPerS!),
      host_vs_guest: results.linked['ofItHostP5Us']! / results.linked['ofItGuestP5Us']!,
    },
  };
}
