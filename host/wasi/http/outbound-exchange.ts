/**
 * One request to the outside and its response, over undici's `dispatch`.
 *
 * 1. The promise settles once: with the response head, or with an OutboundError. After the head, failures
 *    reach the guest through the body and the trailers.
 * 2. Once `signal` is aborted nothing settles any more, and the connection is closed.
 * 3. At most one chunk beyond STREAM_BUFFER_BYTES of response body waits in memory; request bytes are taken
 *    from the guest only when the socket has room.
 * 4. A timer runs only while the guest waits for the network: not while it is slow to read itself.
 */
import type { Agent, Dispatcher } from 'undici';
import type { HeaderList, OutboundRequest, OutboundResponse } from '../context.ts';
import type { ByteSource } from '../io/bytes.ts';
import { OutboundError, toOutboundError } from './error-code.ts';
import { ResponseBody } from './outbound-body.ts';
import { isTrailerName } from './trailer-names.ts';

type Controller = Dispatcher.DispatchController;
type HeadersFromWire = Controller['rawHeaders'];

/** RFC 9110 section 5.6.2. */
const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** What undici writes to the request line as it is: no controls, no space, no absolute form. */
const PATH = /^\/[\u0021-\u00ff]*$/;

export function exchange(
  agent: Agent,
  origin: string,
  request: OutboundRequest,
  signal: AbortSignal,
): Promise<OutboundResponse> {
  if (!METHOD.test(request.method) || request.method === 'CONNECT') {
    return Promise.reject(new OutboundError({ tag: 'HTTP-request-method-invalid' }));
  }
  const path = request.pathWithQuery.startsWith('/') ? request.pathWithQuery : `/${request.pathWithQuery}`;
  if (!PATH.test(path)) return Promise.reject(new OutboundError({ tag: 'HTTP-request-URI-invalid' }));
  return new Promise((resolve, reject) => {
    const handler = new ExchangeHandler(request, signal, resolve, reject);
    handler.start(agent, origin, path);
  });
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #request: OutboundRequest;
  readonly #signal: AbortSignal;
  readonly #resolve: (response: OutboundResponse) => void;
  readonly #reject: (error: OutboundError) => void;
  readonly #upload: Upload | undefined;
  readonly #trailers = Promise.withResolvers<HeaderList>();
  readonly #onAbort = (): void => this.#fail(new OutboundError({ tag: 'connection-terminated' }));
  #controller: Controller | undefined;
  #body: ResponseBody | undefined;
  #failure: OutboundError | undefined;
  #settled = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    request: OutboundRequest,
    signal: AbortSignal,
    resolve: (response: OutboundResponse) => void,
    reject: (error: OutboundError) => void,
  ) {
    this.#request = request;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#upload = request.body === undefined ? undefined : new Upload(request.body);
    this.#trailers.promise.catch(() => {}); // nobody has to ask for trailers
  }

  start(agent: Agent, origin: string, path: string): void {
    if (this.#signal.aborted) {
      this.#upload?.stop();
      return;
    }
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
    this.#arm(this.#request.connectTimeoutMs, { tag: 'connection-timeout' });
    try {
      agent.dispatch(
        {
          origin,
          path,
          method: this.#request.method,
          headers: toFlatHeaders(this.#request.headers),
          body: (this.#upload?.chunks() ?? null) as never,
          // Bodies of a guest come when they come: nothing may wait behind them on the same connection.
          blocking: true,
        },
        this,
      );
    } catch (error) {
      this.#fail(toOutboundError(error));
    }
  }

  /** The request has a connection and is about to be written. */
  onRequestStart(controller: Controller): void {
    if (this.#failure !== undefined || this.#signal.aborted) {
      controller.abort(this.#failure ?? new OutboundError({ tag: 'connection-terminated' }));
      return;
    }
    this.#controller = controller;
    this.#disarm();
    if (this.#upload === undefined) this.#armFirstByte();
    else this.#upload.onSent = () => this.#armFirstByte();
  }

  onResponseStart(controller: Controller, status: number): void {
    if (status < 200) return;
    this.#disarm();
    const body = new ResponseBody({
      pause: () => {
        this.#disarm();
        controller.pause();
      },
      resume: () => {
        this.#armBetweenBytes();
        controller.resume();
      },
      abandon: () => this.#fail(new OutboundError({ tag: 'connection-terminated' })),
    });
    this.#body = body;
    this.#armBetweenBytes();
    this.#settle(() =>
      this.#resolve({
        status,
        headers: fromRawHeaders(controller.rawHeaders),
        body,
        trailers: () => this.#trailers.promise,
      }),
    );
  }

  onResponseData(_controller: Controller, chunk: Buffer): void {
    this.#disarm();
    this.#body?.push(chunk);
    if (this.#body?.isPaused === false) this.#armBetweenBytes();
  }

  onResponseEnd(controller: Controller): void {
    this.#finish();
    this.#body?.end();
    if (this.#signal.aborted) return;
    const trailers = fromRawHeaders(controller.rawTrailers);
    this.#trailers.resolve(trailers.filter(([name]) => isTrailerName(name.toLowerCase())));
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#fail(toOutboundError(this.#failure ?? error));
  }

  #fail(error: OutboundError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#finish();
    this.#controller?.abort(error);
    this.#body?.fail(error);
    if (!this.#signal.aborted) this.#trailers.reject(error);
    this.#settle(() => this.#reject(error));
  }

  /** The end of the exchange, good or bad: no timer, no listener, no reader of the guest's bytes is left. */
  #finish(): void {
    this.#disarm();
    this.#signal.removeEventListener('abort', this.#onAbort);
    this.#upload?.stop();
  }

  #settle(settle: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    if (!this.#signal.aborted) settle();
  }

  #armFirstByte(): void {
    if (this.#body === undefined)
      this.#arm(this.#request.firstByteTimeoutMs, { tag: 'connection-read-timeout' });
  }

  #armBetweenBytes(): void {
    this.#arm(this.#request.betweenBytesTimeoutMs, { tag: 'connection-read-timeout' });
  }

  #arm(delayMs: number | undefined, code: OutboundError['payload']): void {
    this.#disarm();
    if (delayMs === undefined || this.#failure !== undefined) return;
    // Node fires at once for more than 2^31-1 ms.
    this.#timer = setTimeout(() => this.#fail(new OutboundError(code)), Math.min(delayMs, 2 ** 31 - 1));
  }

  #disarm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

/** Bytes asked of the guest at a time: undici hands them to the socket whole. */
const UPLOAD_CHUNK_BYTES = 64 * 1024;

/** The guest's body as undici pulls it. */
class Upload {
  readonly #source: ByteSource;
  #isStopped = false;
  #wake: (() => void) | undefined;
  /** Called when the last byte has been handed over. */
  onSent: (() => void) | undefined;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    while (!this.#isStopped) {
      // A broken-off body throws here, and undici destroys the connection: the server sees it incomplete.
      const chunk = this.#source.read(UPLOAD_CHUNK_BYTES);
      if (chunk === 'end') {
        this.onSent?.();
        return;
      }
      if (chunk.length > 0) yield chunk;
      else await this.#ready();
    }
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#source.close();
    this.#wake?.();
  }

  #ready(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#source.ready().then(resolve);
    });
  }
}

/** Values as Latin-1, which is how undici writes strings to an HTTP/1.1 connection: byte for byte. */
function toFlatHeaders(headers: HeaderList): string[] {
  return headers.flatMap(([name, value]) => [name, Buffer.from(value).toString('latin1')]);
}

function fromRawHeaders(raw: HeadersFromWire): HeaderList {
  if (!Array.isArray(raw)) return [];
  const list: [string, Uint8Array][] = [];
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index]!;
    const value = raw[index + 1]!;
    list.push([name.toString('latin1'), typeof value === 'string' ? Buffer.from(value, 'latin1') : value]);
  }
  return list;
}
