/** Outbound requests of a guest to servers of the test, over a resolver that answers what the test says. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { OutboundRequest, OutboundResponse } from '../../../../host/wasi/context.ts';
import { OutboundError } from '../../../../host/wasi/http/error-code.ts';
import { createOutbound } from '../../../../host/wasi/http/outbound.ts';
import {
  createOutboundPool,
  type Lookup,
  type OutboundPool,
} from '../../../../host/wasi/http/outbound-pool.ts';
import type { ByteSource } from '../../../../host/wasi/io/bytes.ts';
import { TEST_CERTIFICATE, TEST_KEY } from './test-certificate.ts';

/** Every name has the given addresses; no real resolver is asked. */
export function resolvesTo(...addresses: string[]): Lookup {
  return (_hostname, options, callback) => {
    const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (options.all === true) callback(null, answer);
    else callback(null, answer[0]!.address, answer[0]!.family);
  };
}

export class OutboundFixture implements AsyncDisposable {
  readonly pool: OutboundPool;
  readonly controller = new AbortController();
  readonly #servers: Server[] = [];

  constructor(lookup: Lookup = resolvesTo('127.0.0.1'), certificateAuthorities?: string) {
    this.pool = createOutboundPool({
      lookup,
      ...(certificateAuthorities === undefined ? {} : { certificateAuthorities }),
    });
  }

  /** On the loopback: `127.0.0.1:port`. */
  async listen(listener: RequestListener, isSecure = false): Promise<string> {
    const secure = (): Server => createSecureServer({ key: TEST_KEY, cert: TEST_CERTIFICATE }, listener);
    const server = (isSecure ? secure() : createServer(listener)).listen(0, '127.0.0.1');
    this.#servers.push(server);
    await once(server, 'listening');
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  send(
    authority: string,
    request: Partial<OutboundRequest> = {},
    allowed = [authority],
  ): Promise<OutboundResponse> {
    const outbound = createOutbound({ allowedHosts: allowed, pool: this.pool });
    return outbound.send({ ...REQUEST, authority, ...request }, this.controller.signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pool.close();
    for (const server of this.#servers) {
      server.closeAllConnections();
      server.close();
    }
  }
}

const REQUEST: Omit<OutboundRequest, 'authority'> = {
  method: 'GET',
  scheme: 'http',
  pathWithQuery: '/',
  headers: [],
  body: undefined,
  connectTimeoutMs: undefined,
  firstByteTimeoutMs: undefined,
  betweenBytesTimeoutMs: undefined,
};

export async function readAll(source: ByteSource): Promise<string> {
  const chunks: Uint8Array[] = [];
  for (;;) {
    const chunk = source.read(64 * 1024);
    if (chunk === 'end') return Buffer.concat(chunks).toString('latin1');
    if (chunk.length > 0) chunks.push(chunk);
    else await source.ready();
  }
}

export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
  } catch (error) {
    return error instanceof OutboundError ? error.payload.tag : `not an OutboundError: ${error}`;
  }
  return undefined;
}
