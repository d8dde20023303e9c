import { once } from 'node:events';
import { createServer } from 'node:net';
import test from 'ava';
import { createGuestRuntime, type GuestRuntime } from '../host/guest-runtime.ts';
import { FUEL_SLICE } from '../host/limits/limits.ts';
import { asTenantName } from '../host/model/ids.ts';
import { UNWATCHED_NOTE } from './harness/unwatched-note.ts';

const MORE_THAN_ANY = 10;
const TENANT = asTenantName('acme')!;

function createRuntime(isAlone: () => boolean): GuestRuntime {
  return createGuestRuntime({
    rewind: 'fresh',
    idleMemoryBytes: 1 << 20,
    idleSlots: 1,
    isAlone,
    note: UNWATCHED_NOTE,
  });
}

function runtime(): GuestRuntime['ports'] {
  return createRuntime(() => false).ports;
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
    if (!keepsThread(false)) continue;
    change();
    return keepsThread(false);
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

test('a guest that is alone keeps its turn while nothing comes for the loop, and only then', async (t) => {
  let isAlone = true;
  const { ports, watchLoop, unwatchLoop } = createRuntime(() => isAlone);
  /** Whether it keeps its turn beyond the slices that any lone guest may have. */
  const keepsTurn = async (): Promise<boolean> => {
    await parked(ports.park);
    for (let slice = 0; slice < MORE_THAN_ANY; slice++) if (!ports.keepsThread(true)) return false;
    return true;
  };
  t.false(await keepsTurn());
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  await watchLoop(server);
  // What the test's own process has for the loop ends a turn, too.
  let isKept = false;
  for (let turn = 0; turn < 1_000 && !isKept; turn++) isKept = await keepsTurn();
  t.true(isKept);
  isAlone = false;
  t.false(await keepsTurn());
  isAlone = true;
  unwatchLoop();
  t.false(await keepsTurn());
  server.close();
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
