/** Where webhooks come in: open to whoever signs with a secret of the queue. */
import { createRoute } from '@hono/zod-openapi';
import { MayflyError } from '../errors/errors.ts';
import { QUEUE_LIMITS } from '../limits/event-limits.ts';
import { readBounded } from './bounded-body.ts';
import { sentMessageJson } from './event-views.ts';
import { checked } from './incoming-messages.ts';
import { SEND_CODES } from './messages.ts';
import type { ControlPlanePorts } from './ports.ts';
import { queueParams, sentMessageSchema } from './queue-schemas.ts';
import { asQueueReference } from './queues.ts';
import { type ControlPlaneApp, json, problems, refuseWhenDraining } from './route-parts.ts';
import { requireSignature, webhookHead } from './webhook-signature.ts';

const ingressRoute = createRoute({
  method: 'post',
  path: '/in/{tenant}/{queue}',
  operationId: 'receiveWebhook',
  security: [],
  summary: 'Take a webhook into a queue',
  description:
    'Standard Webhooks: `webhook-id` (also the deduplication key), `webhook-timestamp`, `webhook-signature`. The body becomes the message as it is. A queue has an ingress for as long as it has a signing secret.',
  tags: ['Messages'],
  request: {
    params: queueParams,
    body: { required: true, content: { '*/*': { schema: { description: 'The message.' } } } },
  },
  responses: {
    202: json('It is durable.', sentMessageSchema),
    ...problems(
      'signature_invalid',
      'invalid_request',
      'secrets_unavailable',
      ...SEND_CODES,
      'internal_error',
    ),
  },
});

export function registerIngressRoutes(app: ControlPlaneApp, { backend, draining }: ControlPlanePorts): void {
  app.openapi(ingressRoute, async (c) => {
    refuseWhenDraining(draining);
    const reference = asQueueReference(c.req.valid('param'));
    const { headers } = c.req.raw;
    const head = webhookHead(headers, Date.now());
    const secrets = await backend.signingSecrets(reference);
    // What is said to a stranger is the same whether there is no such tenant, no such queue or no ingress.
    if (secrets.length === 0) requireSignature(head, new Uint8Array(), secrets);
    const body = await readBounded(c.req.raw, QUEUE_LIMITS.bodyBytes, tooLarge);
    requireSignature(head, body, secrets);
    const messages = checked([
      {
        body,
        contentType: headers.get('content-type') ?? 'application/octet-stream',
        attributes: { 'webhook-id': head.id, 'webhook-timestamp': head.timestamp },
        deduplicationKey: head.id,
      },
    ]);
    const [sent] = await backend.sendMessages({ ...reference, messages });
    return c.json(sentMessageJson(sent!), 202);
  });
}

function tooLarge(maxBytes: number): MayflyError {
  return new MayflyError('message_too_large', `A webhook may have up to ${maxBytes} bytes.`, {
    field: 'body',
  });
}
