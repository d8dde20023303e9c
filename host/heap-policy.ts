/**
 * How V8 keeps the heaps of this process: for requests, which come in bursts and of which nothing is meant to last.
 *
 * 1. Objects die young. V8 counts, for each place in the code that makes object or array literals, how many of them outlive a
 *    collection of the young generation; where most did, it puts all later ones into the old generation at once. There each keeps
 *    what it refers to, dead or not, until the next collection of that generation: one such place in the way of a request and
 *    whole requests are old from then on, which makes V8 sure of it, and of the next place. A request cost two to three times
 *    as much then (docs/decisions/0027-what-a-request-costs.md).
 * 2. A pause of some seconds is no end of work. After eight seconds with little to do V8 would collect as if memory were short. No
 *    request is there then, and with it go the hidden classes of whatever a request is made of, Node's own included, and the optimized
 *    code that relies on them; the young generation shrinks to half a megabyte. What comes next is served by slow code and
 *    collected ten times as often: 15 % more of the thread per request (docs/decisions/0043-pauses.md).
 */
import { setFlagsFromString } from 'node:v8';

/**
 * A third of it is what fills up between two collections (semi-space; the other one, and as much again for large objects, are V8's).
 * What a request makes is written into memory that is in no cache any more when its turn comes again: 24 KB each, through
 * 32 MiB as V8 would have it. With a third of that a request takes 5 % less of the thread, and a quarter of the page faults;
 * with a twelfth, as much as before.
 */
export const YOUNG_GENERATION_MB = 24;

/** A host that nobody calls for so long gives memory back. */
const IDLE_MS = 60_000;

export const HEAP_FLAGS: readonly string[] = [
  '--no-allocation-site-pretenuring',
  `--memory-reducer-delay-ms=${IDLE_MS}`,
  `--min-semi-space-size=${YOUNG_GENERATION_MB / 3}`,
];

/** For the whole process: for threads that begin later, and as far as it can still be had for the one that calls. */
export function setHeapPolicy(): void {
  for (const flag of HEAP_FLAGS) setFlagsFromString(flag);
}
