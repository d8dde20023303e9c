import test from 'ava';
import {
  createInsecure,
  createInsecureSeed,
  createRandom,
  MAX_RANDOM_BYTES,
} from '../../../host/wasi/random/random.ts';
import { createInsecureSeed03, createRandom03 } from '../../../host/wasi/random/random-0.3.ts';
import { createFakeContext } from '../fake-context.ts';

test('random bytes come in the length that was asked for', (t) => {
  const context = createFakeContext();
  t.is(createRandom(context).getRandomBytes(33n).length, 33);
  t.is(createInsecure(context).getInsecureRandomBytes(0n).length, 0);
  t.not(createRandom(context).getRandomU64(), createInsecure(context).getInsecureRandomU64());
  const [low, high] = createInsecureSeed(context).insecureSeed();
  t.not(low, high);
  t.is(createInsecureSeed03(context).getInsecureSeed().length, 2);
});

test('an enormous request ends the invocation in 0.2, and is cut in 0.3', (t) => {
  const context = createFakeContext();
  t.throws(() => createRandom(context).getRandomBytes(2n ** 63n), { code: 'function_trapped' } as never);
  t.is(context.terminations.length, 1);
  t.is(createRandom03(context).getRandomBytes(2n ** 63n).length, MAX_RANDOM_BYTES);
});
