import test from 'ava';
import { createGuestRuntime } from '../host/guest-runtime.ts';
import { FUEL_SLICE } from '../host/limits/limits.ts';
import { asTenantName } from '../host/model/ids.ts';

const TENANT = asTenantName('acme')!;

function runtime() {
  const { ports } = createGuestRuntime({ rewind: 'fresh', idleMemoryBytes: 1 << 20, idleSlots: 1 });
  return ports;
}

/** Resolves when a guest that has used up a slice goes on. */
function parked(park: ReturnType<typeof runtime>['park']): Promise<void> {
  return new Promise((resume) => park(TENANT, FUEL_SLICE, resume, () => false));
}

test('a guest that computes is not alone while a request waits to begin', async (t) => {
  const { stages, isAlone } = runtime();
  t.true(isAlone());
  const begun = stages.toBegin();
  t.false(isAlone());
  await begun;
  t.true(isAlone());
});

test('a guest that computes is not alone while an answer waits to be written', async (t) => {
  const { stages, isAlone } = runtime();
  const written = stages.toAnswer();
  t.false(isAlone());
  await written;
  t.true(isAlone());
});

test('a guest that computes is not alone while another one waits for its turn', async (t) => {
  const { park, isAlone } = runtime();
  const resumed = parked(park);
  t.false(isAlone());
  await resumed;
  t.true(isAlone());
});

test('while a guest computes a request begins at once', async (t) => {
  const { stages, park } = runtime();
  const resumed = parked(park);
  let hasBegun = false;
  void stages.toBegin().then(() => {
    hasBegun = true;
  });
  await Promise.resolve();
  t.true(hasBegun);
  await resumed;
  const begun = stages.toBegin();
  t.true(stages.isHolding);
  await begun;
});
