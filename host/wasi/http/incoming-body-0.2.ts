import type { HeaderList } from '../context.ts';
import type { ByteSource } from '../io/bytes.ts';
import type { Handles } from '../io/handles.ts';
import { InputStream } from '../io/input-stream.ts';
import type { Pollable } from '../io/poll.ts';
import { ResultError } from '../io/result-error.ts';
import type { HttpErrorCode } from './error-code.ts';
import { Fields } from './fields-0.2.ts';
import type { IncomingMessage } from './incoming-message.ts';
import { PendingResult, type TakenResult } from './pending-result.ts';

/** Resource `wasi:http/types#incoming-body` (WASI 0.2). */
export class IncomingBody {
  readonly #message: IncomingMessage;
  readonly #handles: Handles;
  #isStreamTaken = false;
  #isFinished = false;

  private constructor(message: IncomingMessage, handles: Handles) {
    this.#message = message;
    this.#handles = handles;
  }

  static of(message: IncomingMessage, handles: Handles): IncomingBody {
    return new IncomingBody(message, handles);
  }

  stream(): InputStream {
    if (this.#isStreamTaken) throw new ResultError(undefined);
    this.#isStreamTaken = true;
    // The body is closed with this resource, its parent: whether it had ended decides about the trailers.
    return InputStream.from(this.#message.body, { handles: this.#handles, onDrop: () => {} });
  }

  /** Trailers follow a body that was read to its end; of any other the rest is let go, and its trailers too. */
  static finish(body: IncomingBody): FutureTrailers {
    body.#isFinished = true;
    const { body: source } = body.#message;
    const isRead = source.isReady() && isAtEnd(source);
    source.close();
    return FutureTrailers.of(isRead ? body.#message.trailers() : Promise.resolve([]), body.#handles);
  }

  [Symbol.dispose](): void {
    if (!this.#isFinished) this.#message.body.close();
  }
}

function isAtEnd(source: ByteSource): boolean {
  try {
    return source.read(1) === 'end';
  } catch {
    return false;
  }
}

type TrailersResult =
  | { readonly tag: 'ok'; readonly val: Fields | undefined }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/** Resource `wasi:http/types#future-trailers` (WASI 0.2). */
export class FutureTrailers {
  readonly #pending: PendingResult<Fields | undefined>;

  private constructor(pending: PendingResult<Fields | undefined>) {
    this.#pending = pending;
  }

  static of(trailers: Promise<HeaderList>, handles: Handles): FutureTrailers {
    const fields = trailers.then((list) => (list.length === 0 ? undefined : Fields.fromWire(list)));
    return new FutureTrailers(new PendingResult(fields, handles));
  }

  subscribe(): Pollable {
    return this.#pending.subscribe();
  }

  get(): TakenResult<TrailersResult> | undefined {
    return this.#pending.take();
  }
}
