import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { WebhookClient } from '../../host/triggers/webhook-client.ts';
import { FUNCTION, TENANT } from './consumer-fixture.ts';

const FROM = { tenant: TENANT, name: FUNCTION };

interface Receiver {
  readonly port: number;
  readonly requests: { readonly head: IncomingMessage; readonly body: string }[];
}

async function receiver(
  t: ExecutionContext,
  answer:
    | { readonly status: number; readonly headers?: Record<string, string>; readonly bytes?: number }
    | 'never',
): Promise<Receiver> {
  const requests: { head: IncomingMessage; body: string }[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk;
    });
    request.on('end', () => {
      requests.push({ head: request, body });
      if (answer === 'never') return;
      response.writeHead(answer.status, answer.headers).end(Buffer.alloc(answer.bytes ?? 0));
    });
    response.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, requests };
}

test('an address of the operator’s own network is refused, unless the function may send there', async (t) => {
  const { port, requests } = await receiver(t, { status: 204 });
  await using closed = new WebhookClient({ allowedHosts: () => [] });
  for (const host of ['127.0.0.1', '[::1]', '0x7f.1', '169.254.169.254'])
    await t.throwsAsync(() => closed.post(FROM, `http://${host}:${port}/`, {}, Buffer.from('{}')), {
      message: 'destination-IP-prohibited',
    });
  t.is(requests.length, 0);
  await using open = new WebhookClient({ allowedHosts: () => [`127.0.0.1:${port}`] });
  t.deepEqual(
    await open.post(FROM, `http://127.0.0.1:${port}/hook?x=1`, { 'webhook-id': 'a' }, Buffer.from('{"a":1}')),
    { status: 204 },
  );
  const [{ head, body }] = requests as [{ head: IncomingMessage; body: string }];
  t.is(head.method, 'POST');
  t.is(head.url, '/hook?x=1');
  t.is(head.headers['webhook-id'], 'a');
  t.is(head.headers['content-length'], '7');
  t.is(body, '{"a":1}');
});

test('a name that leads into the operator’s own network is refused where the socket connects', async (t) => {
  const { port, requests } = await receiver(t, { status: 204 });
  await using client = new WebhookClient({
    allowedHosts: () => [],
    lookup: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  await t.throwsAsync(() => client.post(FROM, `http://hooks.example:${port}/`, {}, Buffer.from('')), {
    message: 'destination-IP-prohibited',
  });
  t.is(requests.length, 0);
});

test('a redirect is an answer, and is not followed', async (t) => {
  const { port, requests } = await receiver(t, { status: 302, headers: { location: '/elsewhere' } });
  await using client = new WebhookClient({ allowedHosts: () => [`127.0.0.1:${port}`] });
  t.deepEqual(await client.post(FROM, `http://127.0.0.1:${port}/`, {}, Buffer.from('x')), { status: 302 });
  t.is(requests.length, 1);
});

test('an endless answer is not read, and one that never comes is not waited for', async (t) => {
  const long = await receiver(t, { status: 200, bytes: 8 * 1024 * 1024 });
  const never = await receiver(t, 'never');
  await using client = new WebhookClient({
    allowedHosts: () => [`127.0.0.1:${long.port}`, `127.0.0.1:${never.port}`],
    timeoutMs: 200,
  });
  t.deepEqual(await client.post(FROM, `http://127.0.0.1:${long.port}/`, {}, Buffer.from('x')), {
    status: 200,
  });
  await t.throwsAsync(() => client.post(FROM, `http://127.0.0.1:${never.port}/`, {}, Buffer.from('x')));
});
