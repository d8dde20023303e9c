import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WasiContext } from '../../../../host/wasi/context.ts';
import { createOutbound } from '../../../../host/wasi/http/outbound.ts';
import { createOutboundPool } from '../../../../host/wasi/http/outbound-pool.ts';
import { createTestContext } from './context.ts';

/** A server on the loopback, and contexts whose outbound requests really go out. */
export class Upstream implements AsyncDisposable {
  readonly #server = createServer((request, response) => this.#listener(request, response));
  readonly #pool = createOutboundPool();
  readonly #listener: RequestListener;

  constructor(listener: RequestListener) {
    this.#listener = listener;
  }

  async listen(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  context(...allowedHosts: string[]): WasiContext {
    return createTestContext(createOutbound({ allowedHosts, pool: this.#pool }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** Answers requests only once two have arrived, each with its path: one after the other, neither ever would be. */
export function barrierOfTwo(): RequestListener {
  let waiting: (() => void)[] = [];
  return (request, response) => {
    waiting.push(() => void response.end(request.url));
    if (waiting.length < 2) return;
    for (const answer of waiting) answer();
    waiting = [];
  };
}
