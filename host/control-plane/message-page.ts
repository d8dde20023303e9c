/** Pages of messages as the API gives them: no larger than what may be sent at once. */
import { QUEUE_LIMITS } from '../event-limits.ts';
import type { MessagePage } from '../store/queues/queue-engine.ts';
import type { MessagePageReply } from './event-backend.ts';

/** A page ends where its bodies reach `QUEUE_LIMITS.sendBytes`; it has one message at least. */
export async function boundedPage(
  peek: (page: MessagePage) => Promise<MessagePageReply>,
  { limit, after }: MessagePage,
): Promise<MessagePageReply> {
  const cursor = after === undefined ? {} : { after };
  const page = await peek({ limit, ...cursor });
  let bytes = 0;
  const fitting = page.messages.findIndex(({ body }) => {
    bytes += body.byteLength;
    return bytes > QUEUE_LIMITS.sendBytes;
  });
  // The engine's cursor stands behind a whole page of its own.
  return fitting <= 0 ? page : peek({ limit: fitting, ...cursor });
}
