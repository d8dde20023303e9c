/** Bodies between this runtime and wasi:http, in both directions. */
import type { Wit, WitFuture, WitReadableStream, WitWritableFuture, WitWritableStream } from 'mayfly:wit';
import type { WireContent } from './body.ts';
import { logError } from './console.ts';
import { encodeUtf8, toBytes } from './encoding.ts';
import type { ReadableStream } from './readable-stream.ts';
import { UnreadBody } from './unread-body.ts';

const { wit } = globalThis as unknown as { readonly wit: Wit };

const RECEIVED = { tag: 'ok' };
const NO_TRAILERS = { tag: 'ok', val: null };

/** Takes a message's body over. `consume` is the static `consume-body` of its class. */
export function consumeBody<Message>(
  consume: (
    message: Message,
    result: WitFuture<unknown>,
  ) => readonly [body: WitReadableStream, trailers: WitFuture<unknown>],
  message: Message,
): WitReadableStream {
  const received = wit.Future(wit.Future.RESULT_VOID_ERROR_CODE);
  const [stream, trailers] = consume(message, received.readable);
  // What wasi:http wants to hear of a body that was read to its end.
  void received.writable.write(RECEIVED).then(() => received.writable.drop());
  trailers.drop();
  return stream;
}

/**
 * The body of a message that is sent, in three steps: `open` makes what the message is constructed with, `send` writes
 * it once all that has been handed over (a host that reads at once then finds a reader in waiting, and the guest need
 * not wait), `close` gives back what is left.
 */
export class OutgoingBody {
  #content: WireContent = null;
  #stream: WitWritableStream | undefined;
  #trailers: WitWritableFuture | undefined;
  contents: WitReadableStream | null = null;

  /** Gives the trailers; `contents` is there from then on. */
  open(content: WireContent): WitFuture<unknown> {
    this.#content = content;
    if (content !== null) {
      const { readable, writable } = wit.Stream(wit.Stream.U8);
      this.contents = readable;
      this.#stream = writable;
    }
    const { readable, writable } = wit.Future(wit.Future.RESULT_OPTION_OTHER_ERROR_CODE);
    this.#trailers = writable;
    return readable;
  }

  /** Writes as fast as the reader takes it. */
  send(): void {
    const content = this.#content;
    if (content instanceof Uint8Array) this.#sendBytes(content, 0);
    else if (content !== null)
      void writeChunks(this.#stream as WitWritableStream, content).finally(() => this.#end());
    void (this.#trailers as WitWritableFuture).write(NO_TRAILERS);
  }

  #sendBytes(bytes: Uint8Array, from: number): void {
    const stream = this.#stream as WitWritableStream;
    if (from === bytes.length) this.#end();
    else {
      void stream.write(from === 0 ? bytes : bytes.subarray(from)).then((taken) => {
        // Nobody reads any more where nothing was taken.
        this.#sendBytes(bytes, taken === 0 ? bytes.length : from + taken);
      });
    }
  }

  #end(): void {
    this.#stream?.drop();
    this.#stream = undefined;
  }

  /** Throws while somebody has still to read. */
  close(): void {
    if (this.#stream !== undefined) throw new TypeError('the body is being sent');
    this.#trailers?.drop();
    this.#trailers = undefined;
  }
}

/** A source that fails ends the body early, with a log line. */
async function writeChunks(writable: WitWritableStream, content: ReadableStream | UnreadBody): Promise<void> {
  try {
    for await (const chunk of content instanceof UnreadBody ? content.toStream() : content)
      if (!(await writeBytes(writable, typeof chunk === 'string' ? encodeUtf8(chunk) : toBytes(chunk))))
        break;
  } catch (error) {
    logError('the body failed:', error);
  }
}

/** False when nobody reads any more. */
async function writeBytes(writable: WitWritableStream, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length; ) {
    const taken = await writable.write(at === 0 ? bytes : bytes.subarray(at));
    if (taken === 0) return false;
    at += taken;
  }
  return true;
}
