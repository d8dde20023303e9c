/** Books orders that come through a queue: those that cannot be read are given up, those that are too large wait for another attempt. */
import type { Handler } from 'mayfly';

interface Order {
  readonly item: string;
  readonly amount: number;
}

function parse(body: unknown): Order | undefined {
  const { item, amount } = Object(body) as Partial<Record<keyof Order, unknown>>;
  return typeof item === 'string' && typeof amount === 'number' ? { item, amount } : undefined;
}

export default {
  async queue(batch, env) {
    const largest = Number(env['LARGEST_AMOUNT'] ?? 100);
    for (const message of batch.messages) {
      const order = parse(message.body);
      if (order === undefined) console.warn(`${message.id} is no order`);
      else if (order.amount > largest) message.retry({ reason: `${order.amount} is more than ${largest}` });
      else console.log(`${order.amount} x ${order.item} from ${batch.queue}, attempt ${message.attempts}`);
    }
  },

  scheduled(event) {
    console.log(`${event.schedule} was due at ${new Date(event.scheduledTime).toISOString()}`);
  },

  fetch: () => new Response('send orders to a queue of mine: {"item":"tea","amount":2}\n'),
} satisfies Handler;
