import { choosePolicy } from '../../host/instance/rewind/rewind-policy.ts';
import type { RoadWish } from '../../host/instance/rewind/road.ts';
import { Slots } from '../../host/instance/slots.ts';
import { UNWATCHED_NOTE } from './unwatched-note.ts';

/** The slots of this thread, as a serving thread has them. */
export function createSlots(rewind: RoadWish = 'auto'): Slots {
  return new Slots({
    policy: choosePolicy(rewind),
    note: UNWATCHED_NOTE,
    budgetBytes: 2 ** 30,
    maxIdle: 1_000,
    later: setImmediate,
    soon: process.nextTick,
    nowMs: () => performance.now(),
  });
}
