/** Guests out of real toolchains leave messages wherever they can, end in every way, and find none. */
import { readFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import { ROADS } from '../../../host/instance/rewind/road.ts';
import type { FunctionConfiguration } from '../../../host/model/function-configuration.ts';
import type { OutboundHttp } from '../../../host/wasi/context.ts';
import { artifactOf } from '../../harness/artifact.ts';
import { cCommand } from '../../harness/guests.ts';
import { handlerFrom } from '../../harness/handler-from.ts';
import { starlingGuest } from '../../harness/starling-guest.ts';
import { Random, seedOf } from '../../instrument/random.ts';
import type { ExchangeOptions } from '../../wasi/http/support/exchange.ts';
import { parked } from './messenger.ts';
import { OpenBody, type Seen, Serving } from './serving.ts';

interface Ending {
  readonly request: () => ExchangeOptions;
  readonly failure?: string;
  readonly isCutOff?: boolean;
  readonly losesSlot?: boolean;
  readonly hasVagueFuel?: boolean;
}

interface Guest {
  readonly build: () => Promise<Uint8Array>;
  readonly settings: Partial<FunctionConfiguration>;
  readonly trigger: 'http' | 'event';
  readonly endings: Readonly<Record<string, Ending>>;
  /** Beside each ending once. */
  readonly more: number;
}

const MiB = 2 ** 20;

function source(name: string): Promise<string> {
  return readFile(new URL(`guests/${name}`, import.meta.url), 'utf8');
}

async function quickJsGuest(): Promise<Uint8Array> {
  return handlerFrom(`${await source('stateful.js')}\nexport default { fetch: handle };\n`);
}

async function starlingMonkeyGuest(): Promise<Uint8Array> {
  const listen = "addEventListener('fetch', (event) => event.respondWith(handle(event.request)));";
  return starlingGuest(`${await source('stateful.js')}\n${listen}\n`);
}

const byInput = (how: string) => (): ExchangeOptions => ({ body: new OpenBody(how) });
const byPath =
  (path: string, body = 'a body') =>
  (): ExchangeOptions => ({
    method: 'POST',
    path,
    body: path === '/read-half' ? new OpenBody(body) : body,
  });

const SCRIPT_ENDINGS: Guest['endings'] = {
  'an answer': { request: byPath('/') },
  'a body that was read': { request: byPath('/echo') },
  'an endless loop': { request: byPath('/loop'), failure: 'fuel_exhausted' },
  'a fetch in flight': { request: byPath('/fetch'), failure: 'timed_out', isCutOff: true },
  'half of the request read': { request: byPath('/read-half'), failure: 'timed_out', isCutOff: true },
  'half of the answer written': { request: byPath('/write-half'), failure: 'timed_out', isCutOff: true },
  'a memory that has grown': { request: byPath('/grow'), losesSlot: true },
};

const GUESTS: Readonly<Record<string, Guest>> = {
  C: {
    build: async () => cCommand(await source('stateful.c')),
    settings: { fuel: 30_000_000, memoryBytes: 2 * MiB },
    trigger: 'event',
    more: 30,
    endings: {
      'a return': { request: byInput('r') },
      'an error': { request: byInput('e'), failure: 'function_failed' },
      'an exit': { request: byInput('x') },
      'an exit with a full buffer': { request: byInput('b') },
      'an abort': { request: byInput('t'), failure: 'function_trapped' },
      'a trap amid writing': { request: byInput('w'), failure: 'function_trapped' },
      'exhausted fuel': { request: byInput('f'), failure: 'fuel_exhausted' },
      'the cap on memory': { request: byInput('m'), failure: 'memory_exceeded' },
      'half of the request read': { request: byInput('R'), failure: 'timed_out', isCutOff: true },
    },
  },
  QuickJS: {
    build: quickJsGuest,
    settings: { fuel: 100_000_000 },
    trigger: 'http',
    more: 12,
    endings: {
      ...SCRIPT_ENDINGS,
      'an exception': { request: byPath('/throw'), failure: 'function_failed' },
      'an exception amid writing': { request: byPath('/write-broken') },
      'a fetch that nobody waits for': { request: byPath('/fetch-left') },
    },
  },
  StarlingMonkey: {
    build: starlingMonkeyGuest,
    settings: { fuel: 300_000_000 },
    trigger: 'http',
    more: 4,
    endings: SCRIPT_ENDINGS,
  },
};

/** The peer never answers. */
const SILENT_PEER: OutboundHttp = { send: () => new Promise(() => {}) };

async function endBy(serving: Serving, { request, isCutOff }: Ending): Promise<Seen> {
  const running = serving.start(request());
  if (isCutOff) {
    await parked(running, true);
    running.invocation.cancel('timed_out', 'no more');
  }
  return running.seen();
}

async function isFresh(t: ExecutionContext, artifact: LoadedArtifact, guest: Guest): Promise<void> {
  const seed = seedOf('FRESHNESS_SEED');
  t.log(`FRESHNESS_SEED=${seed}`);
  const random = new Random(seed);
  const { endings, settings: configuration, trigger } = guest;
  const names = Object.keys(endings);
  const firsts = new Map<string, Seen>();
  for (const name of names) {
    using serving = new Serving(artifact, { road: 'fresh', trigger, configuration, outbound: SILENT_PEER });
    const first = await endBy(serving, endings[name]!);
    t.is(first.failure as string | undefined, endings[name]!.failure, name);
    firsts.set(name, first);
  }
  for (const road of ROADS.filter((one) => one !== 'fresh' && choosePolicy(one).road === one)) {
    using serving = new Serving(artifact, { road, trigger, configuration, outbound: SILENT_PEER });
    const sequence = [...names, ...Array.from({ length: guest.more }, () => random.pick(names))];
    let losses = 0;
    let before = 'nothing';
    for (const name of sequence) {
      const ending = endings[name]!;
      t.deepEqual(await endBy(serving, ending), firsts.get(name), `${road}: ${name} after ${before}`);
      t.deepEqual(serving.differences, [], `${road}: ${name} after ${before}`);
      if (ending.losesSlot) losses++;
      before = name;
    }
    t.is(serving.taken, sequence.length, serving.facts.reason ?? '');
    const { late, lost } = serving.slots.counts;
    t.is(lost, losses);
    t.is(late, 1);
  }
}

for (const [name, guest] of Object.entries(GUESTS)) {
  test.serial(name, async (t) => {
    t.timeout(300_000);
    await isFresh(t, await artifactOf(await guest.build()), guest);
  });
}
