/** Turns an author's `queue` into an implementation of mayfly:events/queue-handler@0.1.0. */
import type { ItemFailure, WireBatch } from 'mayfly:events/queue-handler@0.1.0';
import { flushWaitingLines, logError } from './console.ts';
import { fromBinary } from './encoding.ts';
import { type Environment, environment } from './environment.ts';
import { EventContext, errorText } from './event-context.ts';
import { type Message, MessageBatch } from './message-batch.ts';
import { startServing } from './phase.ts';
import { kept } from './warm-up.ts';

interface Consumer {
  queue(batch: MessageBatch, env: Environment, context: EventContext): unknown;
}

/** As warm-up.ts: what a batch needs of the engine is made in the build, and so are the shapes of its objects. */
function warmUp(): void {
  const message = {
    id: 'id',
    attempt: 1,
    sentAtMs: 0,
    groupKey: null,
    contentType: 'application/json',
    attributes: [['name', 'value']] as [string, string][],
    body: fromBinary('{"a":[1]}'),
  };
  const batch = new MessageBatch({ source: 'queue', messages: [message, message], traceparent: null });
  const [first, second] = batch.messages as [Message, Message];
  first.retry();
  second.ack();
  const looks = [first.body, first.timestamp.toISOString(), first.attributes, first.attempts, first.groupKey];
  kept.push(batch, looks, new EventContext().settled(), MessageBatch.failures(batch));
}

export function serveQueue(exported: unknown): { handle(wire: WireBatch): Promise<ItemFailure[]> } {
  warmUp();
  return {
    async handle(wire) {
      startServing();
      flushWaitingLines();
      const batch = new MessageBatch(wire);
      const context = new EventContext();
      try {
        await (exported as Consumer).queue(batch, environment, context);
        await context.settled();
      } catch (error) {
        logError(error);
        const failures = MessageBatch.failures(batch, errorText(error));
        // componentize-qjs makes what is thrown the `err` of the result: the batch as a whole has failed.
        if (failures.length === batch.messages.length) throw errorText(error);
        return failures;
      }
      return MessageBatch.failures(batch);
    },
  };
}
