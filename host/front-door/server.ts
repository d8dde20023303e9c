/**
 * The HTTP server of a serving thread: Node's, with an answer in problem details also for what Node or Hono
 * would answer with a bare status, and with a drain that waits for requests only.
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import { problemResponse } from '../control-plane/problem.ts';
import { MayflyError } from '../errors/errors.ts';
import { FUNCTION_LIMITS } from '../limits/limits.ts';
import type { ConnectionLedger } from '../worker/connection-ledger.ts';
import { Connections } from './connections.ts';
import { sendProblem } from './exchange.ts';
import { type FunctionUrls, isPlainFunctionCall } from './function-urls.ts';
import { RecordedResponse, recordOwedAnswers } from './owed-answers.ts';
import { writeProblem } from './write-problem.ts';

type Fetch = Parameters<typeof getRequestListener>[0];

export interface FrontServer {
  readonly server: Server;
  readonly connections: Connections;
}

export interface FrontServerOptions extends ServerOptions {
  readonly maxConnections?: number;
  /** Where it says whom it owes an answer. */
  readonly ledger?: ConnectionLedger | undefined;
}

/**
 * How much longer than its `Keep-Alive` header says a connection stays open. A client that honours the header may still send
 * at the last moment, and on a busy thread that request waits while the timer fires: with Node's 1 s, deployments broke with
 * ECONNRESET on a machine with ten times the work it has cores for. Idle connections are closed earlier where they are needed.
 */
const KEEP_ALIVE_GRACE_MS = 10_000;

export function createFrontServer(
  fetch: Fetch,
  urls: FunctionUrls,
  { maxConnections, ledger, ...options }: FrontServerOptions,
): FrontServer {
  const listener = getRequestListener(fetch, {
    overrideGlobalObjects: false,
    // For HTTP/1.0, which need not say it.
    hostname: 'localhost',
    // Hono's own routes catch what they throw; what comes here is a target or a host that makes no URL.
    errorHandler: () =>
      problemResponse(new MayflyError('invalid_request', 'The request target is not valid.')),
  });
  // A host is required below, with an answer that says so.
  const serverOptions = {
    ...options,
    ServerResponse: RecordedResponse,
    requireHostHeader: false,
    // A request without a body is one that has been read. That it ends, and closes, is said to nobody, which takes 3 to 5 µs otherwise.
    optimizeEmptyRequests: true,
    keepAliveTimeoutBuffer: KEEP_ALIVE_GRACE_MS,
  };
  const server = createServer(serverOptions, (incoming, outgoing) => {
    const error = hostError(incoming);
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') closeAfterEarlyRefusal(incoming, outgoing);
    if (error !== undefined) sendProblem(incoming, outgoing, error, [['connection', 'close']]);
    else if (isPlainFunctionCall(incoming)) void urls.serve(incoming, outgoing);
    else void listener(incoming, outgoing);
  });
  // One more than any function may take, so that a head beyond it is seen to be, not cut down to it.
  server.maxHeadersCount = FUNCTION_LIMITS.headerCount.hard + 1;
  if (ledger !== undefined) recordOwedAnswers(server, ledger);
  const connections = new Connections(server, {
    ...(maxConnections === undefined ? {} : { max: maxConnections }),
    refuse: (socket) => {
      const detail = 'Every connection that this host keeps open has a request under way.';
      writeProblem(socket, new MayflyError('too_many_connections', detail));
    },
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (socket.writable && error.code !== 'ECONNRESET' && connections.isBetweenResponses(socket as Socket)) {
      writeProblem(socket, parseError(error));
    } else socket.destroy();
  });
  // Node would answer 417 without a word.
  server.on('checkExpectation', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const detail = 'The only expectation that this host meets is 100-continue.';
    const error = new MayflyError('invalid_request', detail, { field: 'expect' });
    sendProblem(incoming, outgoing, error, [['connection', 'close']]);
  });
  server.on('connect', (_incoming: IncomingMessage, socket: Duplex) => {
    writeProblem(
      socket,
      new MayflyError('method_not_allowed', 'This host is no proxy: it takes no CONNECT.'),
    );
  });
  return { server, connections };
}

/**
 * Refused before its body was here, a request ends its connection, and the answer says so: who sends the next
 * request on it must not find it closed meanwhile.
 */
export function closeAfterEarlyRefusal(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const writeHead = outgoing.writeHead;
  outgoing.writeHead = (...head: [statusCode: number]) => {
    if (head[0] >= 400 && !incoming.complete) outgoing.shouldKeepAlive = false;
    return writeHead.apply(outgoing, head);
  };
}

/** RFC 9112, section 3.2: exactly one Host; two are the start of a disagreement with a proxy. */
function hostError({ rawHeaders, httpVersion }: IncomingMessage): MayflyError | undefined {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++;
  }
  if (hosts === 1 || (hosts === 0 && httpVersion === '1.0')) return undefined;
  return new MayflyError('invalid_request', `A request has one Host header; this one has ${hosts}.`, {
    field: 'host',
  });
}

function parseError({ code }: NodeJS.ErrnoException): MayflyError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new MayflyError(
        'request_headers_too_large',
        'The head of the request is larger than any function takes.',
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new MayflyError('request_too_large', 'The chunk extensions of the body are too large.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new MayflyError('invalid_request', 'The request did not arrive in time.');
    default:
      return new MayflyError('invalid_request', 'This is not a valid HTTP/1.1 request.');
  }
}
