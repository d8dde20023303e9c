import { text } from 'node:stream/consumers';
import test from 'ava';
import { ControlPlaneServer, functionPath, problemOf } from './control-plane-server.ts';

const path = `${functionPath('hello')}/invocations`;

test('an event reaches the function as it was sent, and its answer comes back as it is', async (t) => {
  const seen: unknown[] = [];
  await using server = await ControlPlaneServer.start({
    invoke: async (reference, incoming, outgoing) => {
      seen.push(reference, incoming.headers['content-type'], await text(incoming));
      outgoing.writeHead(203, 'Odd', [
        ['X-Case', 'kept'],
        ['content-type', 'text/made-up'],
      ] as never);
      outgoing.write('par');
      outgoing.end('tial');
    },
  });
  const headers = { 'content-type': 'application/x-odd' };
  const response = await server.request('POST', path, { headers, body: 'the event' });
  t.deepEqual(seen, [{ tenant: 'default', name: 'hello' }, 'application/x-odd', 'the event']);
  t.is(response.status, 203);
  t.is(response.headers.get('content-type'), 'text/made-up');
  t.is(await response.text(), 'partial');
});

test('an event may be of any type, have no type, and be empty', async (t) => {
  await using server = await ControlPlaneServer.start({
    invoke: async (_reference, incoming, outgoing) => void outgoing.end(`${(await text(incoming)).length}`),
  });
  for (const headers of [
    { 'content-type': 'application/json' },
    { 'content-type': 'multipart/form-data' },
    undefined,
  ]) {
    const options = { ...(headers ? { headers } : {}), body: new Uint8Array([123, 125]) };
    t.is(await (await server.request('POST', path, options)).text(), '2');
  }
  t.is(await (await server.request('POST', path)).text(), '0');
});

test('an event is not bounded by what bounds uploads and JSON', async (t) => {
  await using server = await ControlPlaneServer.start({
    componentBytes: 10,
    jsonBodyBytes: 10,
    invoke: async (_reference, incoming, outgoing) => {
      let bytes = 0;
      for await (const chunk of incoming) bytes += (chunk as Buffer).length;
      outgoing.end(`${bytes}`);
    },
  });
  const body = new Uint8Array(1_000_000);
  const response = await server.request('POST', path, {
    headers: { 'content-type': 'application/json' },
    body,
  });
  t.is(await response.text(), '1000000');
});

test('a name that is none never reaches the function', async (t) => {
  await using server = await ControlPlaneServer.start({ invoke: () => Promise.reject(new Error('reached')) });
  const response = await server.request('POST', '/v1/tenants/default/functions/No/invocations', {
    body: 'x',
  });
  t.like(await problemOf(response), { code: 'invalid_request', field: 'name' });
});
