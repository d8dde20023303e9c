/** Runs an artifact on our own linker with the host's real imports, and without the engine around it. */

import type { GuestPorts } from '../../host/component/guest-ports.ts';
import type { LinkedComponent } from '../../host/component/linked-component.ts';
import { FuelAccount } from '../../host/instance/fuel-account.ts';
import { Guest } from '../../host/instance/guest.ts';
import type { GuestRun } from '../../host/instance/guest-run.ts';
import { linkGuest } from '../../host/instance/linked-guest.ts';
import { createImports } from '../../host/wasi/imports.ts';
import { artifactOf } from '../harness/artifact.ts';
import { guestRun } from '../harness/engine-ports.ts';
import type { Guest as HandlerGuest } from '../wasi/http/support/component.ts';
import type { WatComponent } from './wat-component.ts';

export interface LinkedGuestOptions {
  readonly imports: ReturnType<GuestPorts['imports']>;
  readonly fuel?: number;
  readonly fuelSlice?: number;
  /** Called where the guest is parked for its fuel. */
  readonly yieldThread?: GuestRun['yieldThread'];
  readonly isOver?: GuestRun['isOver'];
}

export interface LinkedGuest {
  readonly component: LinkedComponent;
  readonly guest: Guest;
  readonly fuel: FuelAccount;
  readonly traps: unknown[];
}

export function startLinked(
  { plan, modules, states }: WatComponent,
  options: LinkedGuestOptions,
): LinkedGuest {
  const fuel = new FuelAccount(options.fuel ?? 10_000_000_000, options.fuelSlice);
  const traps: unknown[] = [];
  const { isOver, yieldThread } = options;
  const guest = new Guest(
    guestRun({
      fuel,
      onTrap: (error) => void traps.push(error),
      ...(isOver === undefined ? {} : { isOver }),
      ...(yieldThread === undefined ? {} : { yieldThread }),
    }),
  );
  const { component } = linkGuest(guest, {
    plan,
    modules,
    states,
    imports: () => options.imports,
  });
  return { component, guest, fuel, traps };
}

/** The same as what `loadGuest` gives for jco's glue: a fresh instance for each handler. */
export async function loadLinkedGuest(upload: Uint8Array): Promise<HandlerGuest> {
  const { road, modules, states } = await artifactOf(upload, 'linked');
  if (road.kind !== 'linked') throw new Error('publishing chose the glue');
  const { plan } = road;
  const guests: LinkedGuest[] = [];
  return {
    handler: (context) => {
      const linked = startLinked({ plan, modules, states }, { imports: createImports(context) });
      guests.push(linked);
      return Promise.resolve(linked.component.exports['handle']!);
    },
    stop: () => {
      for (const { guest } of guests) guest.end();
    },
  };
}
