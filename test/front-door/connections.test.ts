import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { Connections, type ConnectionsOptions } from '../../host/front-door/connections.ts';
import { RawConnection, statuses } from '../harness/raw-connection.ts';

interface Fixture {
  readonly server: Server;
  readonly connections: Connections;
  readonly responses: ServerResponse[];
  open(bytes?: string): Promise<RawConnection>;
  /** Resolves when that many requests have arrived. */
  arrived(count: number): Promise<void>;
}

/** A server that keeps its responses open, and whose own timeouts never help. */
async function fixture(t: ExecutionContext, options: ConnectionsOptions = {}): Promise<Fixture> {
  const responses: ServerResponse[] = [];
  const server = createServer(
    { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 },
    (_, response) => {
      responses.push(response);
      server.emit('arrived');
    },
  );
  const connections = new Connections(server, options);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    server,
    connections,
    responses,
    async open(bytes) {
      const accepted = once(server, 'connection');
      const connection = await RawConnection.open(port);
      await accepted;
      if (bytes !== undefined) await connection.send(bytes);
      return connection;
    },
    async arrived(count) {
      while (responses.length < count) await once(server, 'arrived');
    },
  };
}

const GET = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n';

test('a drain closes what has no request: silent, idle, or with half a head', async (t) => {
  const { server, connections, responses, open, arrived } = await fixture(t);
  const silent = await open();
  const half = await open('GET / HT');
  const idle = await open(GET);
  await arrived(1);
  responses[0]!.end('done');
  await idle.until(/done/);
  const closed = new Promise((resolve) => server.close(resolve));
  connections.drain();
  await Promise.all([silent.closed(), half.closed(), idle.closed(), closed]);
  t.is(silent.received, '');
});

test('a request under way is answered in full, and its connection closed after it', async (t) => {
  const { server, connections, responses, open, arrived } = await fixture(t);
  const busy = await open(GET);
  await arrived(1);
  responses[0]!.write('first');
  await busy.until(/first/);
  const closed = new Promise((resolve) => server.close(resolve));
  connections.drain();
  responses[0]!.end('last');
  t.regex(await busy.closed(), /first.*last/s);
  await closed;
});

test('a request that follows on a busy connection is answered, too', async (t) => {
  const { server, connections, responses, open, arrived } = await fixture(t);
  const busy = await open(GET);
  await arrived(1);
  const closed = new Promise((resolve) => server.close(resolve));
  connections.drain();
  await busy.send(GET);
  await arrived(2);
  responses[0]!.end('one');
  responses[1]!.end('two');
  const received = await busy.closed();
  t.deepEqual(statuses(received), [200, 200]);
  t.regex(received, /one.*two/s);
  await closed;
});

test('an answer may be written to the socket between responses, never inside of one', async (t) => {
  const { connections, responses, open, arrived, server } = await fixture(t);
  const accepted = once(server, 'connection');
  const connection = await open(GET + GET);
  const [socket] = await accepted;
  await arrived(2);
  t.false(connections.isBetweenResponses(socket), 'the second response waits for the first');
  responses[0]!.end('one');
  await connection.until(/one/);
  t.true(connections.isBetweenResponses(socket), 'the second has its turn and has not begun');
  responses[1]!.write('two');
  t.false(connections.isBetweenResponses(socket));
  responses[1]!.end();
  await once(responses[1]!, 'close');
  t.true(connections.isBetweenResponses(socket));
  connection.destroy();
});

test('beyond the bound a new connection takes the place of the one that has been idle longest', async (t) => {
  const { open, arrived, responses } = await fixture(t, { max: 3 });
  const busy = await open(GET);
  await arrived(1);
  const half = await open('GET / HT');
  const idle = await open(GET);
  await arrived(2);
  responses[1]!.end('done');
  await idle.until(/done/);
  await open();
  await half.closed();
  t.false(idle.isClosed, 'it was idle for a shorter time');
  await open();
  await idle.closed();
  t.false(busy.isClosed);
});

test('where every connection has a request under way, a new one is turned away', async (t) => {
  const refused: string[] = [];
  const { connections, open, arrived, responses } = await fixture(t, {
    max: 2,
    refuse: (socket) => {
      refused.push(socket.remoteAddress ?? '');
      socket.destroy();
    },
  });
  const busy = [await open(GET), await open(GET)];
  await arrived(2);
  await (await open()).closed();
  t.is(refused.length, 1);
  t.is(connections.size, 2);
  responses[0]!.end('done');
  await busy[0]!.until(/done/);
  const next = await open(GET);
  await arrived(3);
  t.false(next.isClosed);
});

test('it is drained when the last connection is closed, one that was turned away included, and those who listened have seen it', async (t) => {
  const turnedAway: Socket[] = [];
  const refuse = (socket: Socket): void => void turnedAway.push(socket);
  const { server, connections, responses, open, arrived } = await fixture(t, { max: 1, refuse });
  const seen: string[] = [];
  // As a ledger of connections does, which closes a descriptor of its own then.
  const watch = (name: string): void =>
    void server.prependOnceListener('connection', (socket) => socket.once('close', () => seen.push(name)));
  watch('busy');
  await open(GET);
  await arrived(1);
  watch('refused');
  await open();
  const drained = connections.drain().then(() => seen.push('drained'));
  t.is(connections.drain(), connections.drain(), 'asked for again, it is the same drain');
  const busyClosed = once(responses[0]!.socket!, 'close');
  responses[0]!.end();
  await busyClosed;
  await new Promise(setImmediate);
  t.deepEqual(seen, ['busy']);
  turnedAway[0]!.destroy();
  await drained;
  t.deepEqual(seen, ['busy', 'refused', 'drained']);
});

test('without connections it is drained at once', async (t) => {
  const { connections } = await fixture(t);
  await connections.drain();
  t.pass();
});
