/** Turns an author's `queue` into an implementation of mayfly:events/queue-handler@0.1.0. */
import type { ItemFailure, WireBatch } from 'mayfly:events/queue-handler@0.1.0';
import { flushWaitingLines, logError } from './console.ts';
import { type Environment, environment } from './environment.ts';
import { EventContext, errorText } from './event-context.ts';
import { MessageBatch } from './message-batch.ts';
import { startServing } from './phase.ts';

interface Consumer {
  queue(batch: MessageBatch, env: Environment, context: EventContext): unknown;
}

export function serveQueue(exported: unknown): { handle(wire: WireBatch): Promise<ItemFailure[]> } {
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
