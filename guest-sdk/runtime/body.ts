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

/** The `Body` mixin of the Fetch standard, without `blob` and `formData`. */
export abstract class Body {
  #content: BodyContent | (() => BodyContent);
  /** What `body` gave out for a content that is no stream. */
  #view: ReadableStream | undefined;
  #isUsed = false;

  /** A function is asked for the content by the first who needs it. */
  constructor(content: BodyContent | (() => BodyContent)) {
    this.#content = content;
  }

  #load(): BodyContent {
    if (typeof this.#content === 'function') this.#content = this.#content();
    return this.#content;
  }

  get body(): ReadableStream | null {
    const content = this.#load();
    if (content === null || content instanceof ReadableStream) return content;
    this.#view ??= content instanceof UnreadBody ? content.toStream() : streamOf(content);
    if (this.#isUsed) ReadableStream.seize(this.#view);
    return this.#view;
  }

  get bodyUsed(): boolean {
    if (this.#isUsed) return true;
    const stream = this.#content instanceof ReadableStream ? this.#content : this.#view;
    return stream !== undefined && (stream.locked || ReadableStream.isDisturbed(stream));
  }

  async bytes(): Promise<Uint8Array> {
    const content = Body.take(this);
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
    const content = this.#load();
    const text =
      content === null || typeof content === 'string' ? Body.#takeText(this) : decodeUtf8(await this.bytes());
    return text.startsWith('\uFEFF') ? text.slice(1) : text;
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  static #takeText(owner: Body): string {
    const content = owner.#take();
    return content === null ? '' : (content as string);
  }

  #take(): BodyContent {
    if (this.bodyUsed) throw new TypeError('the body has been read already');
    const content = this.#load();
    if (content === null) return null;
    this.#isUsed = true;
    // Whoever holds the stream finds it locked.
    if (this.#view !== undefined) ReadableStream.seize(this.#view);
    return content;
  }

  /** Hands the content over, once. */
  static take(owner: Body): WireContent {
    const content = owner.#take();
    return typeof content === 'string' ? encodeUtf8(content) : content;
  }

  /** Gives a body to an owner that has none: content from the wire is not what a constructor would accept. */
  static put<T extends Body>(owner: T, content: BodyContent): T {
    (owner as Body).#content = content;
    return owner;
  }

  /** A second owner of the same bytes. */
  static share(owner: Body): BodyContent {
    if (owner.bodyUsed) throw new TypeError('the body has been read already');
    const content = owner.#load();
    if (content instanceof ReadableStream || content instanceof UnreadBody)
      throw new TypeError('a streaming body cannot be cloned: read it with bytes() first');
    return content;
  }
}

function streamOf(content: string | Uint8Array): ReadableStream {
  const bytes = typeof content === 'string' ? encodeUtf8(content) : content;
  return ReadableStream.from(bytes.length === 0 ? [] : [bytes]);
}
