/**
 * What whoever runs guests is made of, a serving thread as the process of an isolated tenant: whose turn it is, instances that lie
 * ready, and the clocks that guests see.
 */
import { randomFillSync } from 'node:crypto';
import type { Server } from 'node:net';
import type { InvokerPorts } from './front-door/invoker-ports.ts';
import { Stages } from './front-door/stages.ts';
import type { GuestNote } from './instance/guest-note.ts';
import { choosePolicy } from './instance/rewind/rewind-policy.ts';
import type { RoadWish } from './instance/rewind/road.ts';
import { Slots } from './instance/slots.ts';
import { COARSE_CLOCK_STEP_NS, FUEL_SLICE } from './limits/limits.ts';
import { EVENT_LOOP } from './scheduler/event-loop.ts';
import { EventLoopWatch } from './scheduler/event-loop-watch.ts';
import { RunQueue, type RunQueuePorts } from './scheduler/run-queue.ts';
import { CoarseClock } from './wasi/clocks/coarse-clock.ts';
import { SystemClock } from './wasi/clocks/system-clock.ts';

export interface GuestRuntimeOptions extends Pick<RunQueuePorts, 'weightOf' | 'onQuantum'> {
  readonly rewind: RoadWish;
  /** Of instances that lie ready, and how many there may be. */
  readonly idleMemoryBytes: number;
  readonly idleSlots: number;
  /** Whether no more than one invocation is there, those included that only wait. */
  readonly isAlone: () => boolean;
  readonly note: GuestNote;
}

export interface GuestRuntime {
  readonly slots: Slots;
  /** From then on a guest that is alone is told by the kernel when it has to make room (event-loop-watch.ts). */
  watchLoop(server: Server): Promise<void>;
  unwatchLoop(): void;
  /** The invoker's, as far as they are the same wherever it runs. */
  readonly ports: Pick<
    InvokerPorts,
    | 'slots'
    | 'note'
    | 'stages'
    | 'clock'
    | 'clockOf'
    | 'randomBytes'
    | 'park'
    | 'admit'
    | 'goOn'
    | 'charge'
    | 'keepsThread'
  >;
}

export function createGuestRuntime({
  rewind,
  idleMemoryBytes,
  idleSlots,
  weightOf,
  onQuantum,
  isAlone,
  note,
}: GuestRuntimeOptions): GuestRuntime {
  let watch: EventLoopWatch | undefined;
  const runQueue = new RunQueue({
    ...EVENT_LOOP,
    quantum: FUEL_SLICE,
    ...(weightOf === undefined ? {} : { weightOf }),
    ...(onQuantum === undefined ? {} : { onQuantum }),
    isQuiet: () => isAlone() && (watch?.isQuiet() ?? false),
  });
  const stages = new Stages({
    ...EVENT_LOOP,
    nowMs: () => performance.now(),
    isComputing: () => runQueue.computing > 0,
  });
  const slots = new Slots({
    policy: choosePolicy(rewind),
    note,
    budgetBytes: idleMemoryBytes,
    maxIdle: idleSlots,
    later: setImmediate,
    soon: process.nextTick,
    nowMs: () => performance.now(),
  });
  const fineClock = new SystemClock();
  const coarseClock = new CoarseClock(fineClock, COARSE_CLOCK_STEP_NS);
  return {
    slots,
    async watchLoop(server) {
      watch = await EventLoopWatch.of(server);
    },
    unwatchLoop() {
      watch?.close();
    },
    ports: {
      slots,
      note,
      stages,
      clock: coarseClock,
      clockOf: ({ tenant }) => (tenant.settings.clock === 'fine' ? fineClock : coarseClock),
      randomBytes: (length) => randomFillSync(new Uint8Array(length)),
      park: (tenant, fuel, resume, isOver) => runQueue.park(tenant, fuel, resume, isOver),
      admit: (tenant, isOver) => runQueue.admit(tenant, isOver),
      goOn: (tenant, fuel, isOver) => runQueue.goOn(tenant, fuel, isOver),
      charge: (tenant, fuel) => runQueue.charge(tenant, fuel),
      keepsThread: (hasOnlyComputed) => !stages.isHolding && runQueue.keepsTurn(hasOnlyComputed),
    },
  };
}
