/**
 * A call of a function by the host itself: an event in, its answer out, with no socket in between. The function
 * sees it as it sees an event through the API: `POST /` to an HTTP handler, standard input to a command.
 */
import type { ErrorCode } from '../errors/errors.ts';
import type { HeaderList, HttpExchange } from '../wasi/context.ts';
import { BufferSource, EMPTY_SOURCE } from '../wasi/io/buffer-source.ts';
import type { ByteSink, ByteSource } from '../wasi/io/bytes.ts';

export interface EventExchangeOptions {
  readonly event: Uint8Array;
  readonly contentType: string;
  /** Beside the type and the length; printable ASCII. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  readonly maxAnswerBytes: number;
  /** Ends the invocation, from inside one of its calls. */
  readonly terminate: (code: ErrorCode, detail: string) => Error;
}

export interface EventAnswer {
  readonly status: number;
  /** `application/octet-stream` where the function says nothing. */
  readonly contentType: string;
  readonly body: Uint8Array;
}

export class EventExchange implements HttpExchange {
  readonly method = 'POST';
  readonly scheme = 'http';
  readonly authority = 'localhost';
  readonly pathWithQuery = '/';
  readonly headers: HeaderList;
  readonly body: ByteSource;
  readonly #options: EventExchangeOptions;
  #status: number | undefined;
  #answerHeaders: HeaderList = [];
  readonly #sink: AnswerSink;

  constructor(options: EventExchangeOptions) {
    const { event, contentType, fields = [], maxAnswerBytes, terminate } = options;
    this.#options = options;
    this.body = new BufferSource(event);
    this.headers = [
      ['content-type', Buffer.from(contentType)],
      ['content-length', Buffer.from(String(event.length))],
      ...fields.map(([name, value]) => [name, Buffer.from(value)] as const),
    ];
    this.#sink = new AnswerSink(maxAnswerBytes, () =>
      terminate('response_too_large', `The answer to the host is larger than ${maxAnswerBytes} bytes.`),
    );
  }

  async trailers(): Promise<HeaderList> {
    return [];
  }

  respond(status: number, headers: HeaderList): ByteSink {
    if (this.#status !== undefined)
      throw this.#options.terminate('response_invalid', 'A response was already sent.');
    this.#status = status;
    this.#answerHeaders = headers;
    return this.#sink;
  }

  sendTrailers(): void {}

  /** Of the answer, as far as it was written. */
  get responseBytes(): number {
    return this.#sink.length;
  }

  /** What the function answered, once its invocation is over; undefined where that is not complete. */
  get answer(): EventAnswer | undefined {
    if (this.#status === undefined || !this.#sink.isComplete) return undefined;
    return { status: this.#status, contentType: contentTypeOf(this.#answerHeaders), body: this.#sink.bytes };
  }
}

/** A field's value is read as it was sent, up to what any media type takes (RFC 6838, section 4.2). */
function contentTypeOf(headers: HeaderList): string {
  const [, value] = headers.find(([name]) => name.toLowerCase() === 'content-type') ?? [];
  return value === undefined || value.length === 0 || value.length > 255
    ? 'application/octet-stream'
    : Buffer.from(value).toString('latin1');
}

const resolved = Promise.resolve();

/** Keeps what is written, up to a bound. */
class AnswerSink implements ByteSink {
  readonly #maxBytes: number;
  readonly #tooLarge: () => Error;
  readonly #chunks: Uint8Array[] = [];
  #length = 0;
  #end: 'complete' | 'broken' | undefined;

  constructor(maxBytes: number, tooLarge: () => Error) {
    this.#maxBytes = maxBytes;
    this.#tooLarge = tooLarge;
  }

  get length(): number {
    return this.#length;
  }

  get isComplete(): boolean {
    return this.#end === 'complete';
  }

  get bytes(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }

  /** One more than may be kept, so that who writes more is told instead of waiting. */
  checkWrite(): number {
    return this.#maxBytes - this.#length + 1;
  }

  write(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#maxBytes) throw this.#tooLarge();
    this.#length += bytes.length;
    this.#chunks.push(bytes);
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return resolved;
  }

  flushed(): Promise<void> {
    return resolved;
  }

  end(): void {
    this.#end ??= 'complete';
  }

  abort(): void {
    this.#end ??= 'broken';
  }
}

/** Of a call that is no request: its guest has nothing to read from it, and no way to answer. */
export const NO_EXCHANGE: HttpExchange = {
  method: 'POST',
  scheme: 'http',
  authority: 'localhost',
  pathWithQuery: '/',
  headers: [],
  body: EMPTY_SOURCE,
  trailers: async () => [],
  respond: () => {
    throw new TypeError('an event handler answers no request');
  },
  sendTrailers: () => {},
};
