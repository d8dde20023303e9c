/** JavaScript engines as guests: megabytes of heap, which one request changes in a hundred places. */
import test, { type ExecutionContext } from 'ava';
import type { LoadedArtifact } from '../../../host/instance/artifact.ts';
import { choosePolicy } from '../../../host/instance/rewind/rewind-policy.ts';
import { StateImage } from '../../../host/instance/rewind/state-image.ts';
import { artifactOf } from '../../harness/artifact.ts';
import { exampleComponent } from '../../harness/guests.ts';
import { STARLING_GUEST, starlingGuest } from '../../harness/starling-guest.ts';
import { componentSlot } from './component-slot.ts';
import { differenceOf, observe } from './stateful-guest.ts';

async function isRewound(
  t: ExecutionContext,
  artifact: LoadedArtifact,
  path: string,
  answer: RegExp,
): Promise<void> {
  for (const wish of ['auto', 'madvise', 'copy'] as const) {
    const policy = choosePolicy(wish);
    const first = componentSlot(artifact);
    using image = StateImage.capture(first.instances, policy, first.headrooms);
    t.is(image.obstacle, undefined);
    const captured = observe(first);
    // The second slot is another instance: initialisation leaves the same, and sharing the image changes nothing.
    for (const running of wish === 'auto' ? [first, componentSlot(artifact)] : [first]) {
      const slot = image.apply(running.instances, running.headrooms)!;
      t.is(differenceOf(captured, observe(running)), undefined);
      t.regex(await running.get(path), answer);
      t.not(differenceOf(captured, observe(running)), undefined, 'the request changed nothing');
      running.end();
      t.is(slot.rewind(), 'clean', wish);
      t.is(differenceOf(captured, observe(running)), undefined, wish);
    }
    t.log(wish, `image of ${image.sizeBytes} bytes`);
  }
}

test('QuickJS', async (t) => {
  await isRewound(
    t,
    await artifactOf(await exampleComponent('hello-ts')),
    '/?name=Ada',
    /^200 \{"hello":"Ada"/,
  );
});

test('StarlingMonkey', async (t) => {
  t.timeout(300_000);
  await isRewound(
    t,
    await artifactOf(await starlingGuest(STARLING_GUEST)),
    '/json?q=x',
    /^200 \{"query":"x"/,
  );
});
