import { concatBytes, decodeUtf8, encodeUtf8, toBytes } from './encoding.ts';
import { ReadableStream } from './readable-stream.ts';
import { UnreadBody } from './unread-body.ts';
import { URLSearchParams } from './url-search-params.ts';

export type BodyInit =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | ReadableStream
  | AsyncIterable<Uint8Array | string>;

/** What a body consists of: nothing, text or bytes that are all there, or bytes that are still being made. */
export type BodyContent = string | Uint8Array | ReadableStream | UnreadBody | null;

/** The same for the wire. */
export type WireContent = Exclude<BodyContent, string>;

export const TEXT_TYPE = 'text/plain;charset=UTF-8';

async function* bytesOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield typeof chunk === 'string' ? encodeUtf8(chunk) : toBytes(chunk);
}

/** The `content-type` that a body has unless one is given. */
export function contentTypeOf(init: BodyInit | null | undefined): string | undefined {
  if (typeof init === 'string') return TEXT_TYPE;
  if (init === null || init === undefined) return undefined;
  if (init instanceof URLSearchParams) return 'application/x-www-form-urlencoded;charset=UTF-8';
  return typeof init === 'object' && (isBinary(init) || Symbol.asyncIterator in init) ? undefined : TEXT_TYPE;
}

function isBinary(init: object): init is ArrayBuffer | ArrayBufferView {
  return init instanceof ArrayBuffer || ArrayBuffer.isView(init);
}

export function extractBody(init: BodyInit | null | undefined): BodyContent {
  // Encoded when it is sent: whoever reads it as text gets it back.
  if (typeof init === 'string') return init.toWellFormed();
  if (init === null || init === undefined) return null;
  if (init instanceof ReadableStream) {
    if (init.locked) throw new TypeError('the body is a stream that is being read already');
    return init;
  }
  if (typeof init !== 'object' || init instanceof URLSearchParams) return String(init).toWellFormed();
  if (isBinary(init)) return toBytes(init).slice();
  return Symbol.asyncIterator in init ? ReadableStream.from(bytesOf(init)) : String(init).toWellFormed();
}

/** A content that is no stream, and the stream that `body` gave out for it. */
class Viewed {
  readonly content: Exclude<BodyContent, ReadableStream | null>;
  readonly stream: ReadableStream;

  constructor(content: Viewed['content']) {
    this.content = content;
    this.stream = content instanceof UnreadBody ? content.toStream() : streamOf(content);
  }
}

/** What is left of a body that was read: the stream that `body` has given out, or has yet to. */
class Used {
  stream: ReadableStream | undefined;

  constructor(stream: ReadableStream | undefined) {
    this.stream = stream;
    if (stream !== undefined) ReadableStream.seize(stream);
  }
}

type State = BodyContent | Viewed | Used;

/** The body of a request or response: what they have of the `Body` mixin of the Fetch standard, which is without `blob` and `formData`. */
export class Body {
  #state: State | (() => BodyContent);

  /** A function is asked for the content by the first who needs it. */
  constructor(content: BodyContent | (() => BodyContent)) {
    this.#state = content;
  }

  /** One whose content was handed over already. */
  static spent(): Body {
    const body = new Body(null);
    body.#state = new Used(undefined);
    return body;
  }

  static #load(owner: Body): State {
    if (typeof owner.#state === 'function') owner.#state = owner.#state();
    return owner.#state;
  }

  get body(): ReadableStream | null {
    const state = Body.#load(this);
    if (state === null || state instanceof ReadableStream) return state;
    if (state instanceof Viewed) return state.stream;
    if (state instanceof Used) {
      if (state.stream === undefined) {
        state.stream = new ReadableStream();
        ReadableStream.seize(state.stream);
      }
      return state.stream;
    }
    const viewed = new Viewed(state);
    this.#state = viewed;
    return viewed.stream;
  }

  get bodyUsed(): boolean {
    const state = this.#state;
    if (state instanceof Used) return true;
    const stream = state instanceof Viewed ? state.stream : state;
    return stream instanceof ReadableStream && (stream.locked || ReadableStream.isDisturbed(stream));
  }

  async bytes(): Promise<Uint8Array> {
    const content = this.takeBytes();
    if (content === null) return new Uint8Array(0);
    if (content instanceof Uint8Array) return content;
    if (content instanceof UnreadBody) return content.bytes();
    const chunks: Uint8Array[] = [];
    for await (const chunk of content)
      chunks.push(typeof chunk === 'string' ? encodeUtf8(chunk) : toBytes(chunk));
    return chunks.length === 1 ? (chunks[0] as Uint8Array) : concatBytes(chunks);
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes();
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  }

  async text(): Promise<string> {
    const state = Body.#load(this);
    if (state === null) return '';
    const text = typeof state === 'string' ? (this.take() as string) : decodeUtf8(await this.bytes());
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  /** Hands the content over, once. */
  take(): BodyContent {
    const state = Body.#load(this);
    if (state === null) return null;
    if (this.bodyUsed) throw new TypeError('the body has been read already');
    if (state instanceof ReadableStream) {
      // Its reader will lock it.
      const used = new Used(undefined);
      used.stream = state;
      this.#state = used;
      return state;
    }
    this.#state = new Used(state instanceof Viewed ? state.stream : undefined);
    return state instanceof Viewed ? state.content : (state as BodyContent);
  }

  /** The same with text as bytes. */
  takeBytes(): WireContent {
    const content = this.take();
    return typeof content === 'string' ? encodeUtf8(content) : content;
  }

  /** The same bytes for a second owner. */
  share(): BodyContent {
    if (this.bodyUsed) throw new TypeError('the body has been read already');
    const state = Body.#load(this);
    const content = state instanceof Viewed ? state.content : (state as BodyContent);
    if (content instanceof ReadableStream || content instanceof UnreadBody)
      throw new TypeError('a streaming body cannot be cloned: read it with bytes() first');
    return content;
  }
}

function streamOf(content: string | Uint8Array): ReadableStream {
  const bytes = typeof content === 'string' ? encodeUtf8(content) : content;
  return ReadableStream.from(bytes.length === 0 ? [] : [bytes]);
}
