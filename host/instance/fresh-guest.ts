/** An instance that serves one invocation, where there is no slot for it. */
import type { createImports } from '../wasi/imports.ts';
import type { LoadedArtifact } from './artifact.ts';
import { startGlue } from './glue-guest.ts';
import type { Guest } from './guest.ts';
import { type GuestExports, gluedExports, type Handler } from './guest-exports.ts';
import type { GuestTimers } from './guest-timers.ts';
import { linkGuest } from './linked-guest.ts';

/**
 * What instantiating takes of its tenant's share of the thread, by the size of the glue, whose evaluation is what takes
 * the time: 0.4 ms for 90 KB, 1.3 to 11 ms for 1.5 MB. It is on nobody's bill: only `fuel` is. By the clock it would be
 * exact, but for a busy machine that takes the core away meanwhile.
 */
const START_FUEL_PER_GLUE_BYTE = 10;

/** The same for linking a small component: 0.13 to 0.22 ms. */
const START_FUEL_LINKED = 1_000_000;

/**
 * @param timers of the glue, where that makes it
 * @param charge takes what it costs from its tenant's share
 * @throws what a start function throws
 */
export function startFresh(
  guest: Guest,
  { road, modules, states, manifest }: LoadedArtifact,
  imports: ReturnType<typeof createImports>,
  timers: GuestTimers,
  charge: (fuel: number) => void,
): GuestExports | Promise<GuestExports> {
  if (road.kind === 'linked') {
    const { component } = linkGuest(guest, { plan: road.plan, modules, states, imports: () => imports });
    charge(START_FUEL_LINKED);
    return component;
  }
  return startGlue(guest, { glue: road.glue, modules, imports, timers }).then((exports) => {
    charge(manifest.sizes.glueBytes * START_FUEL_PER_GLUE_BYTE);
    return gluedExports(exports as Readonly<Record<string, Handler>>, manifest);
  });
}
