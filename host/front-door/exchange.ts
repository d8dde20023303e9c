import type { IncomingMessage, ServerResponse } from 'node:http';
import { type ErrorCode, MayflyError } from '../errors/errors.ts';
import type { DelayQueue } from '../instance/delay-queue.ts';
import type { FunctionConfiguration } from '../model/function-configuration.ts';
import type { InvocationId } from '../model/ids.ts';
import { type TraceContext, traceparentOf } from '../model/trace-context.ts';
import type { HeaderList, HttpExchange } from '../wasi/context.ts';
import { isTrailerName } from '../wasi/http/trailer-names.ts';
import type { ByteSink } from '../wasi/io/bytes.ts';
import { latin1 } from '../wasi/io/latin1.ts';
import { type Fields, isCorsField } from './cors.ts';
import { preparedProblem, withInstance } from './prepared-problem.ts';
import { RequestSource } from './request-source.ts';
import { ResponseSink } from './response-sink.ts';
import { isOfWholeOrigin, SANDBOX_POLICY } from './shared-origin.ts';

/** RFC 9110, section 7.6.1: these belong to one connection, not to the request that a guest sees. */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/**
 * Fields that only the host may set on a response. With the last one, a script of a function could have a service worker
 * answer for every path of this host: for the console and other tenants' functions.
 */
const HOST_FIELDS = new Set([
  'mayfly-invocation-id',
  'mayfly-fuel',
  'server-timing',
  'date',
  'service-worker-allowed',
]);

const NO_FIELDS: Fields = [];

/** Beside a policy of the function's own, not in its place. */
const SANDBOX_FIELDS: Fields = [['content-security-policy', SANDBOX_POLICY]];

export interface NodeExchangeOptions {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly invocationId: InvocationId;
  readonly configuration: FunctionConfiguration;
  readonly method: string;
  readonly pathWithQuery: string;
  /** Header fields that the guest does not see (the host's own credentials). */
  readonly hidden: ReadonlySet<string>;
  /** Where short answers wait for the end of their invocation. */
  readonly hold: DelayQueue;
  /** The trace that the guest is to continue, if it is another than the caller's own header says. */
  readonly trace?: TraceContext | undefined;
  /** Header fields that the host adds to the request. */
  readonly added?: HeaderList;
  /** Header fields that the host adds to the response, whoever answers; CORS is its own business then. */
  readonly responseFields?: Fields;
  /** Whether it is answered under the console's name (shared-origin.ts). */
  readonly isSandboxed?: boolean | undefined;
  /** Ends the invocation, from inside one of its calls. */
  readonly terminate: (code: ErrorCode, detail: string) => Error;
}

/**
 * One HTTP request and its response on Node's sockets, as the engine sees them.
 *
 * @throws MayflyError `request_headers_too_large`, `request_too_large` if the head already says so
 */
export class NodeExchange implements HttpExchange {
  readonly method: string;
  readonly scheme = 'http';
  readonly authority: string;
  readonly pathWithQuery: string;
  readonly body: RequestSource;
  readonly #options: NodeExchangeOptions;
  #headers: HeaderList | undefined;
  #response: ResponseSink | undefined;

  constructor(options: NodeExchangeOptions) {
    const { incoming, configuration } = options;
    this.#options = options;
    this.method = options.method;
    this.pathWithQuery = options.pathWithQuery;
    this.authority = incoming.headers.host ?? 'localhost';
    checkRequestHeaders(incoming, configuration);
    const tooLarge = `The request body is larger than ${configuration.requestBytes} bytes.`;
    if (Number(incoming.headers['content-length'] ?? 0) > configuration.requestBytes) {
      throw new MayflyError('request_too_large', tooLarge);
    }
    this.body = new RequestSource(incoming, {
      maxBytes: configuration.requestBytes,
      onTooLarge: () => options.terminate('request_too_large', tooLarge),
    });
  }

  /** Made when they are asked for: few guests look at all of them. */
  get headers(): HeaderList {
    const { incoming, hidden, added = [], trace } = this.#options;
    this.#headers ??= [...withTrace(requestHeaders(incoming.rawHeaders, hidden), trace), ...added];
    return this.#headers;
  }

  /** Of the body, as far as it was handed to the connection. */
  get responseBytes(): number {
    return this.#response?.sentBytes ?? 0;
  }

  /** Without those that may not be there: a guest could take them for what the head says. */
  async trailers(): Promise<HeaderList> {
    const { incoming, hidden } = this.#options;
    return requestHeaders(incoming.rawTrailers, hidden).filter(([name]) => isTrailerName(name));
  }

  /** CORS is the host's where the function's settings have it, and so is what holds for the whole of its origin. */
  #ownFields(headers: HeaderList): HeaderList {
    const { configuration, isSandboxed = false } = this.#options;
    const hasCors = configuration.cors !== null;
    if (headers.length === 0 || !(hasCors || isSandboxed)) return headers;
    return headers.filter(
      ([name]) => !(isSandboxed && isOfWholeOrigin(name)) && !(hasCors && isCorsField(name.toLowerCase())),
    );
  }

  get #hostFields(): Fields {
    const { responseFields = NO_FIELDS, isSandboxed = false } = this.#options;
    if (!isSandboxed) return responseFields;
    return responseFields.length === 0 ? SANDBOX_FIELDS : [...SANDBOX_FIELDS, ...responseFields];
  }

  respond(status: number, headers: HeaderList): ByteSink {
    const { configuration, outgoing, terminate } = this.#options;
    if (this.#response !== undefined)
      throw new MayflyError('response_invalid', 'A response was already sent.');
    if (!Number.isInteger(status) || status < 200 || status > 599) {
      throw new MayflyError('response_invalid', `${status} is not a final status; use 200 to 599.`);
    }
    const { fields, contentLength } = takeContentLength(
      this.#ownFields(responseHeaders(headers, configuration)),
    );
    const detail = `The response body is larger than ${configuration.responseBytes} bytes.`;
    this.#response = new ResponseSink({
      outgoing,
      head: { status, headers: fields, added: this.#hostFields, contentLength },
      bodyless: this.#options.incoming.method === 'HEAD' || status === 204 || status === 304,
      maxBytes: configuration.responseBytes,
      onTooLarge: () => terminate('response_too_large', detail),
      onTooLong: () =>
        terminate('response_invalid', `The body is longer than its Content-Length of ${contentLength}.`),
      invocationId: this.#options.invocationId,
      hold: this.#options.hold,
    });
    return this.#response;
  }

  /** What is no trailer ends the invocation: whoever hands the body on may be out of the guest's calls. */
  sendTrailers(trailers: HeaderList): void {
    const { configuration, terminate } = this.#options;
    try {
      this.#response?.setTrailers(checkedTrailers(this.#ownFields(responseHeaders(trailers, configuration))));
    } catch (error) {
      if (!(error instanceof MayflyError)) throw error;
      terminate(error.code, error.message);
    }
  }

  /** The invocation returned. Gives the error to answer with if the response is not complete. */
  finish(late: readonly (readonly [string, string])[]): MayflyError | undefined {
    const response = this.#response;
    if (response === undefined)
      return new MayflyError('no_response', 'The function returned without answering.');
    if (!response.isComplete) {
      return new MayflyError('no_response', 'The function returned without finishing the response body.');
    }
    response.complete(late);
    return undefined;
  }

  /** The invocation failed: answers with problem details, or breaks the connection off if it is too late for that. */
  fail(error: MayflyError, late: readonly (readonly [string, string])[]): void {
    const { outgoing, incoming, invocationId } = this.#options;
    this.body.close();
    if (outgoing.headersSent) {
      this.#response?.breakOff();
      return;
    }
    this.#response?.discard();
    if (outgoing.destroyed) return;
    const { responseFields = [] } = this.#options;
    const fields = [['mayfly-invocation-id', invocationId] as const, ...late, ...responseFields];
    sendProblem(incoming, outgoing, error, fields, invocationId);
  }
}

/**
 * RFC 9112, section 6.3: a request without either has no body. Node calls it complete only after the handler of its head
 * has returned: a refusal at once would close the connection, and to open another one costs more than the refusal.
 */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** Answers with problem details and, where the request's body was not read, closes the connection after it. */
export function sendProblem(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  error: unknown,
  headers: readonly (readonly [string, string])[],
  instance?: string,
): void {
  const problem = preparedProblem(error);
  const { body, bodyBytes } =
    instance === undefined ? problem : withInstance(problem, `urn:uuid:${instance}`);
  // Fields of a response that failed while its head was written; `connection` is only ever set by the host.
  for (const name of outgoing.getHeaderNames()) if (name !== 'connection') outgoing.removeHeader(name);
  const fields = ['content-length', String(bodyBytes), ...problem.fields];
  for (const [name, value] of headers) fields.push(name, value);
  if (!incoming.complete && hasBody(incoming)) outgoing.setHeader('connection', 'close');
  // As one list: see ResponseSink.
  outgoing.writeHead(problem.status, fields);
  outgoing.end(incoming.method === 'HEAD' ? undefined : body);
}

function checkRequestHeaders(
  { rawHeaders }: IncomingMessage,
  { headerBytes, headerCount }: FunctionConfiguration,
): void {
  // One character is one byte: Node reads a head as Latin-1.
  let bytes = 0;
  for (const text of rawHeaders) bytes += text.length;
  if (rawHeaders.length / 2 > headerCount || bytes > headerBytes) {
    throw new MayflyError(
      'request_headers_too_large',
      `The request has ${rawHeaders.length / 2} header fields in ${bytes} bytes; the function takes ${headerCount} in ${headerBytes}.`,
    );
  }
}

/** @param raw names and values in turn */
function requestHeaders(raw: readonly string[], hidden: ReadonlySet<string>): HeaderList {
  const headers: [string, Uint8Array][] = [];
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i]!.toLowerCase();
    if (HOP_BY_HOP.has(name) || hidden.has(name)) continue;
    headers.push([name, Buffer.from(raw[i + 1]!, 'latin1')]);
  }
  return headers;
}

/** The caller's `traceparent` gives way; its `tracestate` stays with the trace that it belongs to. */
function withTrace(headers: HeaderList, trace: TraceContext | undefined): HeaderList {
  if (trace === undefined) return headers;
  const isOver = (name: string): boolean =>
    name === 'traceparent' || (name === 'tracestate' && trace.tracestate === undefined);
  const kept = headers.filter(([name]) => !isOver(name));
  return [...kept, ['traceparent', Buffer.from(traceparentOf(trace))]];
}

function responseHeaders(
  headers: HeaderList,
  { headerBytes, headerCount }: FunctionConfiguration,
): HeaderList {
  if (headers.length === 0) return headers;
  const bytes = headers.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (headers.length > headerCount || bytes > headerBytes) {
    throw new MayflyError(
      'response_headers_too_large',
      `The response has ${headers.length} header fields in ${bytes} bytes; ${headerCount} in ${headerBytes} are allowed.`,
    );
  }
  return headers.filter(([name, value]) => {
    const lower = name.toLowerCase();
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(lower)) {
      throw new MayflyError('response_invalid', `'${name.slice(0, 80)}' is not a header name.`);
    }
    if (!isFieldValue(value)) {
      throw new MayflyError(
        'response_invalid',
        `The value of '${lower}' has a character that no header may have.`,
      );
    }
    return !HOP_BY_HOP.has(lower) && !HOST_FIELDS.has(lower);
  });
}

function checkedTrailers(trailers: HeaderList): HeaderList {
  for (const [name] of trailers) {
    if (isTrailerName(name.toLowerCase())) continue;
    throw new MayflyError('response_invalid', `'${name}' may not come behind the body.`);
  }
  return trailers;
}

const CONTENT_LENGTH = 'content-length';

/** Takes Content-Length out of the fields: at most one, and a number. */
function takeContentLength(headers: HeaderList): { fields: HeaderList; contentLength: number | undefined } {
  if (headers.length === 0) return { fields: headers, contentLength: undefined };
  const fields: HeaderList[number][] = [];
  let declared: string | undefined;
  for (const field of headers) {
    const [name, value] = field;
    if (name.length !== CONTENT_LENGTH.length || name.toLowerCase() !== CONTENT_LENGTH) fields.push(field);
    else if (declared !== undefined)
      throw new MayflyError('response_invalid', 'Content-Length is not one number.');
    else declared = latin1(value);
  }
  if (declared === undefined) return { fields: headers, contentLength: undefined };
  if (!/^[0-9]{1,15}$/.test(declared))
    throw new MayflyError('response_invalid', 'Content-Length is not one number.');
  return { fields, contentLength: Number(declared) };
}

/** RFC 9110, section 5.5: no CR, LF, NUL or other control character but tab. */
function isFieldValue(value: Uint8Array): boolean {
  return value.every((byte) => (byte >= 0x20 && byte !== 0x7f) || byte === 0x09);
}
