/** What recognising a key costs a serving thread, for keys that are good and for such that are not. */
import { randomBytes } from 'node:crypto';
import { KeyRing } from '../host/control-plane/key-ring.ts';
import { hashOfKey, newKeyId, newKeyText } from '../host/control-plane/key-text.ts';
import type { KeyVerifier } from '../host/model/api-key.ts';
import type { TenantName } from '../host/model/ids.ts';
import { ChangeCounters } from '../host/worker/change-counters.ts';
import { KeyCache } from '../host/worker/key-cache.ts';
import type { BenchReport, Figures } from './run.ts';

export const summary = 'recognising a key on a serving thread, beside one SHA-256 of its length';

export const notMeasured = [
  'the first use of a key on a thread, and any use of an id that does not exist: one message to the main thread each',
  'reading the request',
];

const ROUNDS = 15;
const CALLS = 20_000;
const KEYS = 1_000;

export async function run(): Promise<BenchReport> {
  const texts = Array.from({ length: KEYS }, () => newKeyText(newKeyId()));
  const verifiers = new Map(texts.map((text) => [idOf(text), verifierOf(text)]));
  const cache = new KeyCache(new ChangeCounters(), {
    ask: async (id) => verifiers.get(id),
    noteUse: async () => {},
    now: Date.now,
  });
  const adminKey = `mayfly_${randomBytes(32).toString('base64url')}`;
  const ring = new KeyRing({
    adminKey,
    verifier: (id) => cache.verifier(id),
    now: Date.now,
    used: (id) => cache.used(id),
  });
  for (const text of texts) await ring.identify(text);
  const forged = texts.map((text) => `${text.slice(0, -4)}AAAA`);
  const subjects: Readonly<Record<string, (call: number) => unknown>> = {
    'one SHA-256': (call) => hashOfKey(texts[call % KEYS]!),
    "operator's key": () => ring.identify(adminKey),
    "tenant's key": (call) => ring.identify(texts[call % KEYS]),
    'wrong secret': (call) => ring.identify(forged[call % KEYS]),
    'no key at all': () => ring.identify('not-a-key'),
  };
  const nanoseconds = new Map<string, number[]>();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, call] of Object.entries(subjects)) {
      const startMs = performance.now();
      for (let i = 0; i < CALLS; i++) call(i);
      const ns = ((performance.now() - startMs) / CALLS) * 1e6;
      nanoseconds.set(name, [...(nanoseconds.get(name) ?? []), ns]);
    }
  }
  const medians = new Map([...nanoseconds].map(([name, values]) => [name, median(values)]));
  const hash = medians.get('one SHA-256')!;
  const results: Record<string, Figures> = Object.fromEntries(
    [...medians].map(([name, callNs]) => [name, { callNs }]),
  );
  return {
    results,
    ratios: {
      tenant_key_vs_one_hash: medians.get("tenant's key")! / hash,
      wrong_secret_vs_tenant_key: medians.get('wrong secret')! / medians.get("tenant's key")!,
    },
  };
}

function idOf(text: string): string {
  return text.split('_')[1] ?? '';
}

function verifierOf(text: string): KeyVerifier {
  return { id: idOf(text), tenant: 'default' as TenantName, scopes: ['invoke'], hash: hashOfKey(text) };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1]!;
}
