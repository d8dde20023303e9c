import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import type { FunctionUrls } from '../../host/front-door/function-urls.ts';
import { createFrontServer } from '../../host/front-door/server.ts';
import { RawConnection } from '../harness/raw-connection.ts';

/** Says of each request to a function's URL whether it has been read; any other is answered with its own body. */
async function portOf(t: ExecutionContext): Promise<number> {
  const urls = {
    serve: async (incoming: IncomingMessage, outgoing: ServerResponse) =>
      void outgoing.end(incoming.readableEnded ? 'has been read' : 'is to be read'),
  };
  const fetch = async (request: Request): Promise<Response> => {
    const text = `<${await request.text()}>`;
    return new Response(text, { headers: { 'content-length': String(text.length) } });
  };
  const { server } = createFrontServer(fetch, urls as unknown as FunctionUrls, {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('a request without a body has been read when it comes, and another follows on its connection', async (t) => {
  const connection = await RawConnection.open(await portOf(t));
  await connection.send('GET /fn/a/b/ HTTP/1.1\r\nhost: x\r\n\r\n');
  t.regex(await connection.until(/read$/), /has been read$/);
  await connection.send('POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc');
  t.regex(await connection.until(/>$/), /<abc>$/);
  // Neither a length nor a coding: it has no body, and whoever reads it need not wait.
  await connection.send('POST /v1 HTTP/1.1\r\nhost: x\r\n\r\n');
  t.regex(await connection.until(/<>$/), /<>$/);
  await connection.send(
    'POST /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n',
  );
  t.regex(await connection.until(/<de>$/), /<de>$/);
});
