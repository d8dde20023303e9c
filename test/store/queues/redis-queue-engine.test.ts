import test from 'ava';
import { RedisQueueEngine } from '../../../host/store/queues/redis-queue-engine.ts';
import { LeakCheck } from '../../harness/leaks.ts';
import { RedisServer } from '../../harness/redis-server.ts';
import { engineConformance } from './conformance/engine-conformance.ts';
import type { EngineHarness, HarnessOptions } from './conformance/harness.ts';
import { connected, Semaphore } from './redis-engines.ts';

const leaks = new LeakCheck();
const server = await RedisServer.start();
let makes = 0;
/** By the real clock: more tests at a time would make each other late. */
const slots = new Semaphore(12);

test.after.always(async () => {
  await server[Symbol.asyncDispose]();
  await leaks.settled();
});

/** Each test has keys of its own. */
async function make({ messagesPerQueue }: HarnessOptions = {}): Promise<EngineHarness> {
  const release = await slots.acquire();
  const keyPrefix = `test-${makes++}`;
  const options = {
    url: server.url,
    keyPrefix,
    ...(messagesPerQueue === undefined ? {} : { messagesPerQueue }),
  };
  const [engine, other] = [new RedisQueueEngine(options), new RedisQueueEngine(options)];
  await Promise.all([connected(engine), connected(other)]);
  return {
    engine,
    other,
    now: () => Date.now(),
    advance: (ms) => new Promise((resolve) => setTimeout(resolve, ms + 2)),
    stepMs: 120,
    operations: 300,
    [Symbol.asyncDispose]: async () => {
      await engine[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      release();
    },
  };
}

engineConformance(test, make);
