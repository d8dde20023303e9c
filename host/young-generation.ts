/**
 * V8 counts, for each place in the code that makes object or array literals, how many of them outlive a collection of
 * the young generation; where most did, it puts all later ones into the old generation at once. There each keeps what it
 * refers to, dead or not, until the next collection of that generation: one such place in the way of a request and
 * whole requests are old from then on, which makes V8 sure of it, and of the next place. A request cost two to three times
 * as much then (docs/decisions/0027-what-a-request-costs.md). Nothing that a request makes is meant to last.
 */
import { setFlagsFromString } from 'node:v8';

/** For the whole process, its threads included. To be called before there are any. */
export function letObjectsDieYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring');
}
