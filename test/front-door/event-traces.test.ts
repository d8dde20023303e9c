/** Which traces the invocations of events belong to. */
import test from 'ava';
import { artifactOf } from '../harness/artifact.ts';
import { eventGuest } from '../harness/event-guests.ts';
import { EventServing, message, tick } from '../harness/event-serving.ts';

const contextOf = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`;
const sampling = { isOn: true, isParentBased: true, ratio: 1 };

test("a batch goes on with the trace of its first message, says which attempt it is, and links to the others'", async (t) => {
  using serving = new EventServing(await artifactOf(await eventGuest('queue and schedule'), 'linked'), {
    sampling,
  });
  const messages = ['1', '2', '1'].map((digit, n) =>
    message(`m${n}`, 'x', { attempts: 3, attributes: { traceparent: contextOf(digit) } }),
  );
  await serving.deliver({ kind: 'batch', source: 'orders', messages }, contextOf('1'));
  t.like(serving.spans[0], {
    traceId: '1'.repeat(32),
    parentSpanId: '1'.repeat(16),
    links: [contextOf('2')],
    trigger: 'queue',
    attempt: 3,
    batchSize: 3,
  });
  t.not(serving.spans[0]?.spanId, '1'.repeat(16));
  await serving.deliver({ kind: 'batch', source: 'orders', messages: [message('again', 'x')] });
  t.is(serving.spans[1]?.parentSpanId, undefined, 'what came without a trace begins one');
  await serving.deliver(tick('now'), contextOf('4'));
  t.like(serving.spans[2], { traceId: '4'.repeat(32), trigger: 'schedule' });
});
