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

/** In a turn of the queue that has only just begun, whatever else the machine does: looked at before and after `change`. */
async function keptInOneTurn(
  { park, keepsThread }: ReturnType<typeof runtime>,
  change: () => void,
): Promise<boolean> {
  for (let turn = 0; turn < 1_000; turn++) {
    await parked(park);
    if (!keepsThread()) continue;
    change();
    return keepsThread();
  }
  throw new Error('each turn was too long from the beginning');
}

test('a guest that is alone takes another slice', async (t) => {
  const ports = runtime();
  // Unless the machine does something else for milliseconds between the two.
  let isKept = false;
  for (let turn = 0; turn < 1_000 && !isKept; turn++) isKept = await keptInOneTurn(ports, () => {});
  t.true(isKept);
});

test('a guest that computes takes no other slice while a request waits to begin', async (t) => {
  const ports = runtime();
  let begun: Promise<void> | undefined;
  const isKept = await keptInOneTurn(ports, () => {
    begun = ports.stages.toBegin();
  });
  t.false(isKept);
  await begun;
});

test('a guest that computes takes no other slice while an answer waits to be written', async (t) => {
  const ports = runtime();
  let written: Promise<void> | undefined;
  const isKept = await keptInOneTurn(ports, () => {
    written = ports.stages.toAnswer();
  });
  t.false(isKept);
  await written;
});

test('a guest that computes takes no other slice while another one waits for its turn', async (t) => {
  const ports = runtime();
  let resumed: Promise<void> | undefined;
  const isKept = await keptInOneTurn(ports, () => {
    resumed = parked(ports.park);
  });
  t.false(isKept);
  await resumed;
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
