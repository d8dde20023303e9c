import { concatBytes, decodeUtf8, encodeUtf8, toBytes } from './encoding.ts';
import { ReadableStream } from './readable-stream.ts';
import { URLSearchParams } from './url-search-params.ts';

export type BodyInit =
  | string
  | ArrayBuffer
  | ArrayBufferView
  | URLSearchParams
  | ReadableStream
  | AsyncIterable<Uint8Array | string>;

/** What goes over the wire: nothing, bytes that are all there, or bytes that are still being made. */
export type BodyContent = Uint8Array | ReadableStream | null;

async function* bytesOf(chunks: AsyncIterable<Uint8Array | string>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) yield typeof chunk === 'string' ? encodeUtf8(chunk) : toBytes(chunk);
}

/** The bytes of a body, and the `content-type` it has unless one is given. */
export function extractBody(init: BodyInit | null | undefined): {
  content: BodyContent;
  contentType?: string;
} {
  if (init === null || init === undefined) return { content: null };
  if (init instanceof URLSearchParams) {
    return {
      content: encodeUtf8(String(init)),
      contentType: 'application/x-www-form-urlencoded;charset=UTF-8',
    };
  }
  if (init instanceof ReadableStream) {
    if (init.locked) throw new TypeError('the body is a stream that is being read already');
    return { content: init };
  }
  if (init instanceof ArrayBuffer || ArrayBuffer.isView(init)) return { content: toBytes(init).slice() };
  if (typeof init === 'object' && Symbol.asyncIterator in init)
    return { content: ReadableStream.from(bytesOf(init)) };
  return { content: encodeUtf8(String(init)), contentType: 'text/plain;charset=UTF-8' };
}

/** The `Body` mixin of the Fetch standard, without `blob` and `formData`. */
export abstract class Body {
  #content: BodyContent;
  #isUsed = false;

  constructor(content: BodyContent) {
    this.#content = content;
  }

  get body(): ReadableStream | null {
    if (this.#content instanceof Uint8Array) {
      const bytes = this.#content;
      this.#content = ReadableStream.from(bytes.length === 0 ? [] : [bytes]);
    }
    return this.#content;
  }

  get bodyUsed(): boolean {
    return this.#isUsed || (this.#content instanceof ReadableStream && this.#content.locked);
  }

  async bytes(): Promise<Uint8Array> {
    const content = Body.take(this);
    if (content === null) return new Uint8Array(0);
    if (content instanceof Uint8Array) return content;
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
    return decodeUtf8(await this.bytes()).replace(/^\uFEFF/, '');
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  /** Hands the content over, once. */
  static take(owner: Body): BodyContent {
    if (owner.bodyUsed) throw new TypeError('the body has been read already');
    if (owner.#content !== null) owner.#isUsed = true;
    return owner.#content;
  }

  /** Gives a body to an owner that has none: content from the wire is not what a constructor would accept. */
  static put<T extends Body>(owner: T, content: BodyContent): T {
    (owner as Body).#content = content;
    return owner;
  }

  /** A second owner of the same bytes. */
  static share(owner: Body): BodyContent {
    if (owner.bodyUsed) throw new TypeError('the body has been read already');
    if (owner.#content instanceof ReadableStream)
      throw new TypeError('a streaming body cannot be cloned: read it with bytes() first');
    return owner.#content;
  }
}
