/**
 * `wasi:sockets` (WASI 0.2), complete and closed: outbound traffic of a guest goes through `wasi:http` and its
 * allow-list, never through sockets. Creating a socket and resolving a name fail with `access-denied`. No guest
 * ever holds a socket, so its methods are there for linking only, and give the same error.
 */
import type { WasiContext } from '../context.ts';
import { Handles } from '../io/handles.ts';
import { ResultError } from '../io/result-error.ts';

function deny(): never {
  throw new ResultError('access-denied');
}

/** Resource `network`: a guest may hold it, and can do nothing with it. */
export class Network {
  #handles: Handles | undefined;

  static from(handles: Handles): Network {
    handles.open();
    const network = new Network();
    network.#handles = handles;
    return network;
  }

  [Symbol.dispose](): void {
    this.#handles?.close();
    this.#handles = undefined;
  }
}

type Denied = new () => Record<string, () => never>;

/** A resource of which there are no instances. */
function deniedResource(...methods: string[]): Denied {
  const resource = class {};
  for (const method of methods) {
    Object.defineProperty(resource.prototype, method, { value: deny, writable: true, configurable: true });
  }
  return resource as unknown as Denied;
}

const TcpSocket = deniedResource(
  'startBind',
  'finishBind',
  'startConnect',
  'finishConnect',
  'startListen',
  'finishListen',
  'accept',
  'localAddress',
  'remoteAddress',
  'isListening',
  'addressFamily',
  'setListenBacklogSize',
  'keepAliveEnabled',
  'setKeepAliveEnabled',
  'keepAliveIdleTime',
  'setKeepAliveIdleTime',
  'keepAliveInterval',
  'setKeepAliveInterval',
  'keepAliveCount',
  'setKeepAliveCount',
  'hopLimit',
  'setHopLimit',
  'receiveBufferSize',
  'setReceiveBufferSize',
  'sendBufferSize',
  'setSendBufferSize',
  'subscribe',
  'shutdown',
);

const UdpSocket = deniedResource(
  'startBind',
  'finishBind',
  'stream',
  'localAddress',
  'remoteAddress',
  'addressFamily',
  'unicastHopLimit',
  'setUnicastHopLimit',
  'receiveBufferSize',
  'setReceiveBufferSize',
  'sendBufferSize',
  'setSendBufferSize',
  'subscribe',
);

const IncomingDatagramStream = deniedResource('receive', 'subscribe');
const OutgoingDatagramStream = deniedResource('checkSend', 'send', 'subscribe');
const ResolveAddressStream = deniedResource('resolveNextAddress', 'subscribe');

export const NETWORK_IMPORTS = { Network, networkErrorCode: () => undefined };
export const TCP_IMPORTS = { TcpSocket };
export const TCP_CREATE_SOCKET_IMPORTS = { createTcpSocket: deny };
export const UDP_IMPORTS = { UdpSocket, IncomingDatagramStream, OutgoingDatagramStream };
export const UDP_CREATE_SOCKET_IMPORTS = { createUdpSocket: deny };
export const IP_NAME_LOOKUP_IMPORTS = { ResolveAddressStream, resolveAddresses: deny };

/** `wasi:sockets/instance-network`. */
export function createInstanceNetwork(context: WasiContext) {
  return { instanceNetwork: () => Network.from(Handles.of(context)) };
}
