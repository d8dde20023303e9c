import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import test from 'ava';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import { StateImage } from '../../../host/instance/rewind/state-image.ts';
import type { SharingData } from './sharing-thread.ts';
import { differenceOf, observe, start, statefulGuest } from './stateful-guest.ts';

for (const wish of ['pagemap', 'copy'] as const) {
  test(`${wish}: another thread makes slots of the same image`, async (t) => {
    const guest = await statefulGuest();
    const running = start(guest);
    using image = StateImage.capture(running.instances, choosePolicy(wish));
    const slot = image.apply(running.instances)!;
    const before = observe(running);
    const data: SharingData = { guest, shared: image.share(), wish };
    const worker = new Worker(new URL('sharing-thread.ts', import.meta.url), { workerData: data });
    const exited = once(worker, 'exit');
    const [message] = await once(worker, 'message');
    await exited;
    t.deepEqual(message, { outcome: 'clean', difference: undefined, roads: [wish, wish, wish] });
    // The other thread's image is gone; this one's is not.
    running.call('touch', 0);
    t.is(slot.rewind(), 'clean');
    t.is(differenceOf(before, observe(running)), undefined);
  });
}
