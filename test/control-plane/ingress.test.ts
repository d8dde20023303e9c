import { createHmac } from 'node:crypto';
import test from 'ava';
import { ControlPlaneServer, problemOf } from './control-plane-server.ts';

const ORDERS = '/v1/tenants/default/queues/orders';

// biome-ignore lint/suspicious/noExplicitAny: a test reads JSON of many shapes
type Json = any;

function signed(secret: string, id: string, body: string, atMs = Date.now()): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1_000));
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64');
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${signature}`,
  };
}

async function serverWithIngress(): Promise<{ server: ControlPlaneServer; secret: string; id: string }> {
  const server = await ControlPlaneServer.start();
  await server.sendJson('PUT', ORDERS, {});
  const made = (await (await server.sendJson('POST', `${ORDERS}/signing-secrets`, {})).json()) as Json;
  return { server, ...made };
}

function post(
  server: ControlPlaneServer,
  headers: Record<string, string>,
  body: string,
  path = '/in/default/orders',
): Promise<Response> {
  return server.request('POST', path, { key: undefined, headers, body });
}

test('who signs with the secret needs no key, and is heard once', async (t) => {
  const { server, secret } = await serverWithIngress();
  await using _ = server;
  const body = '{"paid":true}';
  const first = await post(server, signed(secret, 'msg_1', body), body);
  t.is(first.status, 202);
  const { id, duplicate } = (await first.json()) as Json;
  t.false(duplicate);
  const again = await post(server, signed(secret, 'msg_1', body), body);
  t.deepEqual(await again.json(), { id, duplicate: true } as Json);
  const page = (await (await server.request('GET', `${ORDERS}/messages`)).json()) as Json;
  t.like(page.messages, [
    {
      id,
      body,
      contentType: 'application/json',
      deduplicationKey: 'msg_1',
      attributes: { 'webhook-id': 'msg_1' },
    },
  ]);
});

test('a wrong signature sends nothing, and a stranger learns nothing of what there is', async (t) => {
  const { server, secret } = await serverWithIngress();
  await using _ = server;
  await server.sendJson('PUT', '/v1/tenants/default/queues/closed', {});
  const wrong = `whsec_${Buffer.alloc(32).toString('base64')}`;
  const answers: string[] = [];
  for (const path of ['/in/default/orders', '/in/default/closed', '/in/default/nope', '/in/nobody/orders']) {
    const response = await post(server, signed(wrong, 'msg_1', 'x'), 'x', path);
    t.is(response.status, 401);
    answers.push(await response.text());
  }
  t.is(new Set(answers).size, 1);
  t.is((await problemOf(await post(server, signed(secret, 'msg_1', 'x'), 'y'))).code, 'signature_invalid');
  const late = signed(secret, 'msg_1', 'x', Date.now() - 600_000);
  t.is((await problemOf(await post(server, late, 'x'))).code, 'signature_invalid');
  t.is((await problemOf(await post(server, {}, 'x'))).code, 'signature_invalid');
  t.deepEqual(((await (await server.request('GET', `${ORDERS}/messages`)).json()) as Json).messages, []);
});

test('a secret is rotated without a gap: both are valid until the old one is deleted', async (t) => {
  const { server, secret: old, id: oldId } = await serverWithIngress();
  await using _ = server;
  const given = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
  const made = (await (
    await server.sendJson('POST', `${ORDERS}/signing-secrets`, { secret: given })
  ).json()) as Json;
  t.is(made.secret, given);
  t.is((await post(server, signed(old, '1', 'x'), 'x')).status, 202);
  t.is((await post(server, signed(given, '2', 'x'), 'x')).status, 202);
  t.is((await server.request('DELETE', `${ORDERS}/signing-secrets/${oldId}`)).status, 204);
  t.is((await post(server, signed(old, '3', 'x'), 'x')).status, 401);
  t.is((await post(server, signed(given, '4', 'x'), 'x')).status, 202);
  const listed = await (await server.request('GET', `${ORDERS}/signing-secrets`)).text();
  t.is(JSON.parse(listed).length, 1);
  const audit = await (await server.request('GET', '/v1/tenants/default/audit')).text();
  for (const text of [listed, audit]) t.false(text.includes('whsec_'));
});

test('the body of a stranger is not waited for', async (t) => {
  const { server, secret } = await serverWithIngress();
  await using _ = server;
  const never = new ReadableStream<Uint8Array>({
    pull(controller) {
      controller.enqueue(new Uint8Array(1_000));
      return new Promise(() => {});
    },
  });
  const headers = { ...signed(secret, '1', ''), 'webhook-timestamp': '5' };
  const response = await server.request('POST', '/in/default/orders', {
    key: undefined,
    headers,
    body: never,
  });
  t.is((await problemOf(response)).code, 'signature_invalid');
});

test('a body beyond a message, and a host that drains, are refused', async (t) => {
  const { server, secret } = await serverWithIngress();
  await using _ = server;
  const large = 'x'.repeat(1024 * 1024 + 1);
  t.is((await problemOf(await post(server, signed(secret, '1', large), large))).code, 'message_too_large');
  server.draining.abort();
  t.is((await problemOf(await post(server, signed(secret, '2', 'x'), 'x'))).code, 'draining');
});
