/** Guests of WASI 0.2 on our own linker beside jco's glue: a fresh instance, and one call of it. */

import { readFile } from 'node:fs/promises';
import { parse } from '@bytecodealliance/jco-transpile/wasm-tools';
import type { LoadedArtifact } from '../host/instance/artifact.ts';
import { FuelAccount } from '../host/instance/fuel-account.ts';
import { startGlue } from '../host/instance/glue-guest.ts';
import { Guest } from '../host/instance/guest.ts';
import { GuestTimers } from '../host/instance/guest-timers.ts';
import { linkGuest } from '../host/instance/linked-guest.ts';
import { type IncomingHandler, serveIncoming } from '../host/wasi/http/serve-incoming-0.2.ts';
import { createImports } from '../host/wasi/imports.ts';
import { artifactOf } from '../test/harness/artifact.ts';
import { guestRun } from '../test/harness/engine-ports.ts';
import { echoGuest } from '../test/harness/wat-guests.ts';
import { createTestContext } from '../test/wasi/http/support/context.ts';
import { type ExchangeOptions, TestExchange } from '../test/wasi/http/support/exchange.ts';
import type { BenchReport, Figures } from './run.ts';

export const summary =
  'a fresh instance of a small HTTP guest (WASI 0.2) and one call of it: our linker beside jco’s glue';

export const notMeasured = [
  'sockets and front door: the exchange is in memory',
  'slots: every call has an instance that is made for it',
  'collections of the instances that are left behind, but for those that fall into a measurement',
];

const ROUNDS = 600;
const WARM_UP = 200;

const GUESTS: Readonly<Record<string, readonly [() => Promise<Uint8Array>, ExchangeOptions]>> = {
  tiny: [
    async () => parse(await readFile(new URL('../examples/tiny-wat/tiny.wat', import.meta.url), 'utf8')),
    {},
  ],
  echo: [() => echoGuest('0.2.12'), { method: 'POST', path: '/200', body: 'x'.repeat(1_000) }],
};

type Road = 'linked' | 'glue';
const ROADS = ['linked', 'glue'] as const satisfies readonly Road[];

/** Knows how long the engine took for its core instances. */
class MeasuredGuest extends Guest {
  coreMs = 0;

  override instantiate(module: WebAssembly.Module, imports: WebAssembly.Imports): WebAssembly.Exports {
    const beganMs = performance.now();
    const exports = super.instantiate(module, imports);
    this.coreMs += performance.now() - beganMs;
    return exports;
  }
}

interface Measurement {
  readonly startMs: number;
  /** Of it, in `WebAssembly.Instance`. */
  readonly coreMs: number;
  readonly callMs: number;
}

async function measure(
  { road, modules, states, manifest }: LoadedArtifact,
  request: ExchangeOptions,
): Promise<Measurement> {
  const context = createTestContext();
  const imports = createImports(context);
  const fuel = new FuelAccount(Number.MAX_SAFE_INTEGER);
  const guest = new MeasuredGuest(guestRun({ fuel, onTrap: (error) => console.error(error) }));
  const beganMs = performance.now();
  let handle: IncomingHandler;
  if (road.kind === 'linked') {
    const { component } = linkGuest(guest, { plan: road.plan, modules, states, imports: () => imports });
    handle = component.exports['handle'] as IncomingHandler;
  } else {
    const exports = await startGlue(guest, {
      glue: road.glue,
      modules,
      imports,
      timers: new GuestTimers(),
    });
    handle = (exports[manifest.exportKey] as { readonly handle: IncomingHandler }).handle;
  }
  const startedMs = performance.now();
  const exchange = new TestExchange(request);
  const done = serveIncoming(handle, exchange, context);
  for await (const _chunk of exchange.chunks());
  await done;
  const callMs = performance.now() - startedMs;
  guest.end();
  return { startMs: startedMs - beganMs, coreMs: guest.coreMs, callMs };
}

export async function run(): Promise<BenchReport> {
  const results: Record<string, Figures> = {};
  const ratios: Record<string, number> = {};
  for (const [name, [build, request]] of Object.entries(GUESTS)) {
    const upload = await build();
    const artifacts = { linked: await artifactOf(upload, 'linked'), glue: await artifactOf(upload, 'glue') };
    const measured: Record<Road, Measurement[]> = { linked: [], glue: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const road of round % 2 === 0 ? ROADS : ROADS.toReversed()) {
        const measurement = await measure(artifacts[road], request);
        if (round >= WARM_UP) measured[road].push(measurement);
      }
    }
    for (const road of ROADS) results[`${name}_${road}`] = figures(measured[road]);
    const ratio = (of: (measurement: Measurement) => number): number =>
      quantile(measured.linked.map(of), 0.5) / quantile(measured.glue.map(of), 0.5);
    ratios[`start_vs_jco_${name}`] = ratio(({ startMs }) => startMs);
    ratios[`own_start_vs_jco_${name}`] = ratio(({ startMs, coreMs }) => startMs - coreMs);
    ratios[`call_vs_jco_${name}`] = ratio(({ callMs }) => callMs);
    ratios[`start_and_call_vs_jco_${name}`] = ratio(({ startMs, callMs }) => startMs + callMs);
  }
  return { ratios, results };
}

function figures(measured: readonly Measurement[]): Figures {
  const of = (value: (measurement: Measurement) => number, share: number): number =>
    quantile(measured.map(value), share) * 1000;
  return {
    startP50Us: of(({ startMs }) => startMs, 0.5),
    ofItInstancesP50Us: of(({ coreMs }) => coreMs, 0.5),
    callP50Us: of(({ callMs }) => callMs, 0.5),
    startP5Us: of(({ startMs }) => startMs, 0.05),
    callP5Us: of(({ callMs }) => callMs, 0.05),
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}
