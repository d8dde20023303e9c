import test from 'ava';
import { Handles } from '../../../host/wasi/io/handles.ts';
import {
  createInstanceNetwork,
  IP_NAME_LOOKUP_IMPORTS,
  Network,
  TCP_CREATE_SOCKET_IMPORTS,
  TCP_IMPORTS,
  UDP_CREATE_SOCKET_IMPORTS,
} from '../../../host/wasi/sockets/denied.ts';
import { createFakeContext } from '../fake-context.ts';

test('sockets and name lookup are there, and denied', (t) => {
  for (const call of [
    TCP_CREATE_SOCKET_IMPORTS.createTcpSocket,
    UDP_CREATE_SOCKET_IMPORTS.createUdpSocket,
    IP_NAME_LOOKUP_IMPORTS.resolveAddresses,
    Reflect.get(TCP_IMPORTS.TcpSocket.prototype, 'startConnect') as () => never,
  ]) {
    const error = t.throws(call, { any: true }) as unknown as { payload: string };
    t.is(error.payload, 'access-denied');
  }
});

test('the network is a handle like any other', (t) => {
  const context = createFakeContext();
  const network = createInstanceNetwork(context).instanceNetwork();
  t.true(network instanceof Network);
  t.is(Handles.of(context).live, 1);
  network[Symbol.dispose]();
  network[Symbol.dispose]();
  t.is(Handles.of(context).live, 0);
});
