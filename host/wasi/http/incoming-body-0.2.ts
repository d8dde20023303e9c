import type { HeaderList, WasiContext } from '../context.ts';
import type { ByteSource } from '../io/bytes.ts';
import { Handles } from '../io/handles.ts';
import { InputStream } from '../io/input-stream.ts';
import type { Pollable } from '../io/poll.ts';
import { ResultError } from '../io/result-error.ts';
import type { HttpErrorCode } from './error-code.ts';
import { Fields } from './fields-0.2.ts';
import { FieldsBudget } from './fields-budget.ts';
import type { IncomingMessage } from './incoming-message.ts';
import { PendingResult, type TakenResult } from './pending-result.ts';

/** Resource `wasi:http/types#incoming-body` (WASI 0.2). */
export class IncomingBody {
  readonly #message: IncomingMessage;
  readonly #context: WasiContext;
  #isStreamTaken = false;
  #isFinished = false;

  private constructor(message: IncomingMessage, context: WasiContext) {
    this.#message = message;
    this.#context = context;
  }

  static of(message: IncomingMessage, context: WasiContext): IncomingBody {
    return new IncomingBody(message, context);
  }

  stream(): InputStream {
    if (this.#isStreamTaken) throw new ResultError(undefined);
    this.#isStreamTaken = true;
    // The body is closed with this resource, its parent: whether it had ended decides about the trailers.
    return InputStream.from(this.#message.body, { handles: Handles.of(this.#context), onDrop: () => {} });
  }

  /** Trailers follow a body that was read to its end; of any other the rest is let go, and its trailers too. */
  static finish(body: IncomingBody): FutureTrailers {
    body.#isFinished = true;
    const { body: source } = body.#message;
    const isRead = source.isReady() && isAtEnd(source);
    source.close();
    return FutureTrailers.of(isRead ? body.#message.trailers() : Promise.resolve([]), body.#context);
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

  static of(trailers: Promise<HeaderList>, context: WasiContext): FutureTrailers {
    const fields = trailers.then((list) =>
      list.length === 0 ? undefined : Fields.fromWire(list, FieldsBudget.of(context)),
    );
    return new FutureTrailers(new PendingResult(fields, Handles.of(context)));
  }

  subscribe(): Pollable {
    return this.#pending.subscribe();
  }

  get(): TakenResult<TrailersResult> | undefined {
    return this.#pending.take();
  }
}
