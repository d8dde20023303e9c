/** Bodies between this runtime and wasi:http, in both directions. */
import type { Wit, WitFuture, WitReadableStream, WitWritableStream } from 'mayfly:wit';
import type { WireContent } from './body.ts';
import { logError } from './console.ts';
import { encodeUtf8, toBytes } from './encoding.ts';
import type { ReadableStream } from './readable-stream.ts';
import { UnreadBody } from './unread-body.ts';

const { wit } = globalThis as unknown as { readonly wit: Wit };

const RECEIVED = { tag: 'ok' };
const NO_TRAILERS = { tag: 'ok', val: null };

/** A future whose reader is handed over before its value is written: a host that reads at once finds it there. */
interface Promised {
  readonly readable: WitFuture<unknown>;
  /** Once, when the readable end has been handed over. */
  write(): void;
}

function promised(type: unknown, value: unknown): Promised {
  const { readable, writable } = wit.Future(type);
  const drop = (): void => writable.drop();
  return { readable, write: () => void writable.write(value).then(drop) };
}

/** Takes a message's body over. `consume` is the static `consume-body` of its class. */
export function consumeBody<Message>(
  consume: (
    message: Message,
    result: WitFuture<unknown>,
  ) => readonly [body: WitReadableStream, trailers: WitFuture<unknown>],
  message: Message,
): WitReadableStream {
  // What wasi:http wants to hear of a body that was read to its end.
  const received = promised(wit.Future.RESULT_VOID_ERROR_CODE, RECEIVED);
  const [stream, trailers] = consume(message, received.readable);
  received.write();
  trailers.drop();
  return stream;
}

/** What a new message is made of. */
export interface OutgoingBody {
  readonly contents: WitReadableStream | null;
  readonly trailers: WitFuture<unknown>;
  /** Writes it all, as fast as it is taken; once, when both have been handed over. Resolves when that is done. */
  send(): Promise<void> | undefined;
}

export function outgoingBody(content: WireContent): OutgoingBody {
  const trailers = promised(wit.Future.RESULT_OPTION_OTHER_ERROR_CODE, NO_TRAILERS);
  if (content === null) {
    return {
      contents: null,
      trailers: trailers.readable,
      send() {
        trailers.write();
        return undefined;
      },
    };
  }
  const { readable, writable } = wit.Stream(wit.Stream.U8);
  return {
    contents: readable,
    trailers: trailers.readable,
    send() {
      const sent =
        content instanceof Uint8Array ? writeAll(writable, content) : writeChunks(writable, content);
      trailers.write();
      return sent;
    },
  };
}

async function writeAll(writable: WitWritableStream, bytes: Uint8Array): Promise<void> {
  if (bytes.length > 0) await writeBytes(writable, bytes);
  writable.drop();
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

/** A source that fails ends the body early, with a log line. */
async function writeChunks(writable: WitWritableStream, content: ReadableStream | UnreadBody): Promise<void> {
  try {
    for await (const chunk of content instanceof UnreadBody ? content.toStream() : content)
      if (!(await writeBytes(writable, typeof chunk === 'string' ? encodeUtf8(chunk) : toBytes(chunk))))
        break;
  } catch (error) {
    logError('the body failed:', error);
  } finally {
    writable.drop();
  }
}
