/**
 * The control plane's contract behind a real socket, with no functions behind it: what a command sends is recorded,
 * and a test may replace any answer. The real host is tested end to end elsewhere.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ErrorCode, MayflyError, toProblemDetails } from '../../host/errors/errors.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

type Route = (request: Received, response: ServerResponse) => void | Promise<void>;

export const KEY = 'mayfly_test_key_0123456789';

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

export function sendProblem(response: ServerResponse, code: ErrorCode, detail: string, field?: string): void {
  const problem = toProblemDetails(new MayflyError(code, detail, field === undefined ? {} : { field }));
  response.writeHead(problem.status, { 'content-type': 'application/problem+json' });
  response.end(JSON.stringify(problem));
}

export class FakeHost implements AsyncDisposable {
  readonly received: Received[] = [];
  /** Answers that a test puts in place, by `METHOD /path` without the query. */
  readonly routes = new Map<string, Route>();
  /** For names that a test does not know before; says whether it has answered. */
  fallback: (request: Received, response: ServerResponse) => boolean = () => false;
  readonly #server = createServer((request, response) => void this.#answer(request, response));

  static async start(): Promise<FakeHost> {
    const host = new FakeHost();
    const { promise, resolve } = Promise.withResolvers<void>();
    host.#server.listen(0, '127.0.0.1', resolve);
    await promise;
    return host;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The last request with this method and path. */
  last(method: string, path: string): Received | undefined {
    return this.received.findLast(
      (request) => request.method === method && request.path.split('?')[0] === path,
    );
  }

  version(version: number, live: boolean): object {
    return {
      tenant: 'default',
      name: 'hello',
      version,
      digest: `sha256:${String(version).repeat(64)}`,
      handler: 'wasi:http/handler@0.3',
      world: 'wasi:http/handler@0.3.0',
      sizes: { uploadBytes: 2_000_000, codeBytes: 3_000_000, glueBytes: 500 },
      steps: [
        { name: 'check', ms: 1.5 },
        { name: 'transpile', ms: 1200 },
      ],
      createdAt: '2026-11-23T10:00:00.000Z',
      live,
    };
  }

  functionJson(liveVersion: number): object {
    return {
      tenant: 'default',
      name: 'hello',
      url: `${this.url}/fn/default/hello/`,
      liveVersion,
      createdAt: '2026-11-23T10:00:00.000Z',
      updatedAt: '2026-11-23T11:00:00.000Z',
      live: this.version(liveVersion, true),
      configuration: {
        ...defaultConfiguration(),
        environment: { KEPT: 'yes' },
        allowedHosts: ['kept.example'],
      },
    };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const received = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: Buffer.concat(chunks),
    };
    this.received.push(received);
    const key = `${received.method} ${received.path.split('?')[0]}`;
    if (received.path.startsWith('/v1/') && request.headers.authorization !== `Bearer ${KEY}`) {
      sendProblem(response, 'unauthenticated', 'The request has no key.');
      return;
    }
    const route = this.routes.get(key) ?? this.#standard(key);
    if (route) await route(received, response);
    else if (!this.fallback(received, response))
      sendProblem(response, 'function_not_found', `There is no function behind ${key}.`);
  }

  #standard(key: string): Route | undefined {
    const base = '/v1/tenants/default/functions';
    const routes: Record<string, Route> = {
      [`GET ${base}`]: (_, response) =>
        sendJson(response, 200, [
          { ...this.functionJson(3), digest: 'sha256:0', handler: 'wasi:http/handler@0.3' },
        ]),
      [`PUT ${base}/hello`]: (_, response) =>
        sendJson(response, 201, { ...this.version(4, true), url: `${this.url}/fn/default/hello/` }),
      [`GET ${base}/hello`]: (_, response) => sendJson(response, 200, this.functionJson(3)),
      [`DELETE ${base}/hello`]: (_, response) => void response.writeHead(204).end(),
      [`GET ${base}/hello/versions`]: (_, response) =>
        sendJson(response, 200, [this.version(4, false), this.version(3, true), this.version(1, false)]),
      [`PUT ${base}/hello/live`]: ({ body }, response) =>
        sendJson(response, 200, this.functionJson((JSON.parse(String(body)) as { version: number }).version)),
      [`PATCH ${base}/hello/configuration`]: ({ body }, response) =>
        sendJson(response, 200, { ...defaultConfiguration(), ...(JSON.parse(String(body)) as object) }),
      [`POST ${base}/hello/invocations`]: ({ body }, response) =>
        void response.writeHead(200, { 'mayfly-fuel': '123' }).end(body),
    };
    return routes[key];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    this.#server.closeAllConnections();
    await promise;
  }
}
