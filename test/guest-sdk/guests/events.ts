/** Handles messages as their bodies say. */
import type { Handler, Message } from 'mayfly';

interface Task {
  readonly do?: 'ack' | 'retry' | 'throw' | 'ack-all' | 'retry-all' | 'reject-later' | 'hang' | 'tell';
  readonly reason?: string;
}

function told({ id, timestamp, attempts, groupKey, contentType, attributes, body }: Message): string {
  return JSON.stringify({
    id,
    sent: timestamp.toISOString(),
    attempts,
    groupKey,
    contentType,
    attributes,
    body,
  });
}

export default {
  async queue(batch, env, context) {
    console.log(`${batch.queue}: ${batch.messages.length}, for ${env['NAME']}`);
    for (const message of batch.messages) {
      const task = (message.contentType === 'application/json' ? message.json() : {}) as Task;
      switch (task.do) {
        case 'ack':
          message.ack();
          message.retry();
          break;
        case 'retry':
          message.retry(task.reason === undefined ? {} : { reason: task.reason });
          message.ack();
          break;
        case 'ack-all':
          batch.ackAll();
          break;
        case 'retry-all':
          batch.retryAll({ reason: 'all of them' });
          break;
        case 'throw':
          throw new Error('cannot go on');
        case 'reject-later':
          context.waitUntil(Promise.resolve().then(() => Promise.reject(new TypeError('later'))));
          break;
        case 'hang':
          await new Promise(() => {});
          break;
        case 'tell':
          message.retry({ reason: told(message) });
          break;
        default:
          if (message.contentType === 'text/plain')
            message.retry({ reason: `${typeof message.body} ${message.body}` });
          if (message.contentType === 'image/png') {
            const bytes = message.body as Uint8Array;
            message.retry({
              reason: `${bytes.constructor.name} ${bytes.join()} ${message.bytes() === bytes}`,
            });
          }
      }
    }
  },

  scheduled(event, _env, context) {
    const { type, id, attempts, schedule, scheduledTime, cron, body } = event;
    console.log(JSON.stringify({ type, id, attempts, schedule, scheduledTime, cron, body }));
    if (event.text() === 'throw') throw new RangeError('not tonight');
    context.waitUntil(Promise.resolve().then(() => console.log('settled')));
  },

  async fetch(request) {
    const headers = [...request.headers];
    const text = await request.text();
    const [, status] = /^answer ([0-9]+)$/.exec(text) ?? [];
    if (status !== undefined) return new Response('as you say', { status: Number(status) });
    const event = { method: request.method, path: new URL(request.url).pathname };
    return Response.json({ ...event, headers, text });
  },
} satisfies Handler;
