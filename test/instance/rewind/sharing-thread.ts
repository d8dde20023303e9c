/** Another thread of the sharing test: makes a slot of the image that it is sent, uses it, and says what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import type { RoadWish } from '../../../host/instance/rewind/road.ts';
import { type SharedImage, StateImage } from '../../../host/instance/rewind/state-image.ts';
import { differenceOf, type Guest, observe, start } from './stateful-guest.ts';

export interface SharingData {
  readonly guest: Guest;
  readonly shared: SharedImage;
  readonly wish: RoadWish;
}

const { guest, shared, wish } = workerData as SharingData;
using image = StateImage.adopt(shared, choosePolicy(wish));
const running = start(guest);
const slot = image.apply(running.instances);
const before = observe(running);
running.call('touch', 0);
const outcome = slot?.rewind();
parentPort!.postMessage({ outcome, difference: differenceOf(before, observe(running)), roads: slot?.roads });
