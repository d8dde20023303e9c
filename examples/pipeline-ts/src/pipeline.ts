/**
 * Three stages of one pipeline: a file of orders becomes messages (`POST /import`), each of them is priced (a batch, `POST /`), and a tick
 * reports on the results. What ties them together (queue, mapping, destination, schedule) is configuration; see docs/events.md.
 */
import type { Env, Handler } from 'mayfly';

const PRICES: Readonly<Record<string, number>> = { tea: 3, coffee: 5, honey: 8 };

interface Order {
  readonly item: string;
  readonly amount: number;
}

/** What is used of the event that Lambda, too, makes of a batch of SQS. */
interface QueueEvent {
  readonly Records: readonly { readonly messageId: string; readonly body: string }[];
}

/** What is used of the record that a destination gets. */
interface OutcomeRecord {
  readonly responsePayload?: { readonly priced?: readonly { readonly total: number }[] };
}

function ask(
  env: Env,
  path: string,
  init: { method?: string; type?: string; body?: string } = {},
): Promise<Response> {
  const { method = 'GET', type = 'application/json', body } = init;
  const headers = { authorization: `Bearer ${env['API_KEY']}`, 'content-type': type };
  return fetch(`${env['API_URL']}${path}`, { method, headers, ...(body === undefined ? {} : { body }) });
}

/** `tea,2` on each line. A line keeps its deduplication key, so a file that is posted twice is imported once. */
async function importFile(file: string, name: string, env: Env): Promise<Response> {
  const messages = file
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line, index) => {
      const [item = '', amount] = line.split(',');
      const order: Order = { item: item.trim(), amount: Number(amount) };
      return { json: order, deduplicationKey: `${name}:${index}` };
    });
  const type = 'application/vnd.mayfly.messages+json';
  const sent = await ask(env, '/queues/orders/messages', {
    method: 'POST',
    type,
    body: JSON.stringify({ messages }),
  });
  if (sent.status !== 202) return new Response(await sent.text(), { status: 502 });
  return Response.json({ accepted: messages.length }, { status: 202 });
}

/** Names what has no price: it is tried again alone, and ends as a dead letter. */
function price({ Records: records }: QueueEvent): Response {
  const priced: object[] = [];
  const batchItemFailures: object[] = [];
  for (const { messageId, body } of records) {
    const { item, amount } = JSON.parse(body) as Order;
    const each = PRICES[item];
    if (each === undefined) batchItemFailures.push({ itemIdentifier: messageId });
    else priced.push({ item, amount, total: each * amount });
  }
  return Response.json({ priced, batchItemFailures });
}

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === '/import')
      return importFile(await request.text(), searchParams.get('name') ?? 'file', env);
    if (request.method === 'POST') return price((await request.json()) as QueueEvent);
    return new Response('post orders to /import, one on each line: tea,2\n');
  },

  async scheduled(_event, env) {
    const answer = await ask(env, '/queues/priced/messages?limit=100');
    const { messages } = (await answer.json()) as { readonly messages: readonly { readonly body: string }[] };
    const priced = messages.flatMap(
      ({ body }) => (JSON.parse(body) as OutcomeRecord).responsePayload?.priced ?? [],
    );
    const total = priced.reduce((sum, order) => sum + order.total, 0);
    console.log(`report: ${priced.length} orders, ${total} in all`);
  },
} satisfies Handler;
