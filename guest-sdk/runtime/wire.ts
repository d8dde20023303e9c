/** Bodies between this runtime and wasi:http, in both directions. */
import type { Wit, WitFuture, WitReadableStream } from 'mayfly:wit';
import type { BodyContent } from './body.ts';
import { logError } from './console.ts';
import { encodeUtf8, toBytes } from './encoding.ts';
import { ReadableStream } from './readable-stream.ts';

const { wit } = globalThis as unknown as { readonly wit: Wit };

/** What wasi:http wants to hear of a body that was read to its end. */
export function bodyReceived(): WitFuture<unknown> {
  return wit.Future.from({ tag: 'ok' }, wit.Future.RESULT_VOID_ERROR_CODE).readable;
}

export function noTrailers(): WitFuture<unknown> {
  return wit.Future.from({ tag: 'ok', val: null }, wit.Future.RESULT_OPTION_OTHER_ERROR_CODE).readable;
}

/** A body from the host; giving up on it drops the stream, which tells the sender to stop. */
export function receiveBody(stream: WitReadableStream): ReadableStream {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const next = await stream.next();
      if (!next.done) return controller.enqueue(next.value);
      stream.drop();
      controller.close();
    },
    cancel: () => stream.drop(),
  });
}

/** A body to the host, written as fast as it is taken. A source that fails ends the body early, with a log line. */
export function sendBody(content: BodyContent): WitReadableStream | null {
  if (content === null) return null;
  const { readable, writable } = wit.Stream(wit.Stream.U8);
  const writeAll = async (bytes: Uint8Array): Promise<boolean> => {
    for (let at = 0; at < bytes.length; ) {
      const taken = await writable.write(at === 0 ? bytes : bytes.subarray(at));
      if (taken === 0) return false;
      at += taken;
    }
    return true;
  };
  const writeContent = async (): Promise<void> => {
    try {
      if (content instanceof Uint8Array) await writeAll(content);
      else
        for await (const chunk of content)
          if (!(await writeAll(typeof chunk === 'string' ? encodeUtf8(chunk) : toBytes(chunk)))) break;
    } catch (error) {
      logError('the body failed:', error);
    } finally {
      writable.drop();
    }
  };
  void writeContent();
  return readable;
}
