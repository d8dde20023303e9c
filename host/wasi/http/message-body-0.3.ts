/**
 * The body of a 0.3 request or response, which has one of three origins: it came from a wire, a guest made it
 * of a stream and a future of trailers, or gave all of it at once. Consumed once, by the guest (`consume-body`) or by the host (sending).
 *
 * Streams of 0.3 have no error: what goes wrong on the way is the `err` of the trailers.
 */
import type { HeaderList } from '../context.ts';
import type { EndFlag, Ending } from '../ending.ts';
import { type ByteChunks, type GuestStream, streamOfSource } from '../io/async-streams.ts';
import { HostCallTrap } from '../io/result-error.ts';
import { type HttpErrorCode, internalError, OutboundError, toHttpErrorCode } from './error-code.ts';
import { FieldMap } from './fields.ts';
import { Fields } from './fields-0.3.ts';
import { FieldsBudget } from './fields-budget.ts';
import { GuestStreamSource } from './guest-stream-source.ts';
import type { IncomingMessage } from './incoming-message.ts';

export type TrailersResult =
  | { readonly tag: 'ok'; readonly val: Fields | undefined }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/** `result<_, error-code>` */
export type Completion =
  | { readonly tag: 'ok'; readonly val: undefined }
  | { readonly tag: 'err'; readonly val: HttpErrorCode };

/** jco lifts a future as a lazy thenable: reading starts with `then`. */
export interface GuestFuture<T> extends PromiseLike<T> {
  readAhead?(): void;
}

type ConsumedBody = [AsyncIterableIterator<Uint8Array>, Promise<TrailersResult>];

interface GuestMade {
  readonly kind: 'guest';
  readonly contents: GuestStream | undefined;
  readonly trailers: GuestFuture<TrailersResult>;
}

interface FromWire {
  readonly kind: 'wire';
  readonly message: IncomingMessage;
  readonly context: Ending;
}

interface Whole {
  readonly kind: 'whole';
  readonly bytes: Uint8Array | undefined;
}

/** A body as the host sends it. */
export interface SentBody {
  /** All of it, where it is there: `stream` gives the same. */
  readonly whole?: Uint8Array | undefined;
  /** Undefined where the guest gave no contents. */
  readonly stream: GuestStream | undefined;
  readonly trailers: () => Promise<HeaderList> | HeaderList;
}

/**
 * Taken of a body before it is sent. A guest may make as many messages as it may hold handles (10,000) and send none:
 * 40 MiB of the host's memory at worst.
 */
const AHEAD_BYTES = 4096;

export class MessageBody {
  readonly #origin: GuestMade | FromWire | Whole;
  /** Made for who asks. */
  #completion: PromiseWithResolvers<Completion> | undefined;
  #completed: Completion | undefined;
  #isConsumed = false;

  private constructor(origin: GuestMade | FromWire | Whole) {
    this.#origin = origin;
  }

  static fromWire(message: IncomingMessage, context: Ending): MessageBody {
    return new MessageBody({ kind: 'wire', message, context });
  }

  /** Its beginning and the trailers are taken ahead: a guest whose answer is short is done when it has written it. */
  static fromGuest(contents: GuestStream | undefined, trailers: GuestFuture<TrailersResult>): MessageBody {
    contents?.readAhead?.(AHEAD_BYTES);
    trailers.readAhead?.();
    return new MessageBody({ kind: 'guest', contents, trailers });
  }

  /** @param bytes must not change any more */
  static ofBytes(bytes: Uint8Array | undefined): MessageBody {
    return new MessageBody({ kind: 'whole', bytes });
  }

  /** Resolves when the message has been sent, or could not be. Never rejects. */
  get completion(): Promise<Completion> {
    if (this.#completion === undefined) {
      this.#completion = Promise.withResolvers();
      if (this.#completed !== undefined) this.#completion.resolve(this.#completed);
    }
    return this.#completion.promise;
  }

  complete(error?: unknown): void {
    if (this.#completed !== undefined) return;
    this.#completed = error === undefined ? SENT : { tag: 'err', val: toHttpErrorCode(error) };
    this.#completion?.resolve(this.#completed);
  }

  /**
   * `consume-body`. What `processed` says afterwards changes nothing for a message that has been received; it
   * is read all the same, because the guest that writes it may wait for a reader.
   */
  consume(processed: GuestFuture<Completion>): ConsumedBody {
    this.#take();
    processed.then(ignore, ignore);
    const origin = this.#origin;
    if (origin.kind === 'wire') return consumeWire(origin);
    this.complete();
    if (origin.kind === 'whole')
      return [chunksOf(streamOfBytes(origin.bytes)), Promise.resolve({ tag: 'ok', val: undefined })];
    return [chunksOf(origin.contents), Promise.resolve(origin.trailers)];
  }

  send(): SentBody {
    this.#take();
    const origin = this.#origin;
    if (origin.kind === 'wire') return relay(origin);
    if (origin.kind === 'whole')
      return { whole: origin.bytes, stream: streamOfBytes(origin.bytes), trailers: noTrailers };
    return { stream: origin.contents, trailers: () => readTrailers(origin.trailers) };
  }

  /** The same for whoever pulls. The source ends, or fails, when the trailers are known. */
  sendAsSource(): GuestStreamSource | undefined {
    const { stream, trailers } = this.send();
    if (stream !== undefined) {
      return new GuestStreamSource(stream, async () => {
        const list = await trailers();
        // undici cannot send them; to leave them out would be a different message.
        if (list.length > 0) throw new OutboundError(internalError('request trailers are not supported'));
        this.complete();
      });
    }
    Promise.resolve(trailers()).then(ignore, ignore);
    return undefined;
  }

  /** The guest has dropped the message; if nobody took its body, nobody will. */
  drop(): void {
    if (this.#isConsumed) return;
    this.#isConsumed = true;
    const origin = this.#origin;
    if (origin.kind === 'wire') origin.message.body.close();
    else if (origin.kind === 'guest') origin.contents?.[Symbol.dispose]?.();
    this.complete(new OutboundError(internalError('the message was dropped before it was sent')));
  }

  #take(): void {
    if (this.#isConsumed) throw new HostCallTrap('the body of this message has been consumed');
    this.#isConsumed = true;
  }
}

const SENT: Completion = { tag: 'ok', val: undefined };
export const NO_TRAILERS: HeaderList = [];

function noTrailers(): HeaderList {
  return NO_TRAILERS;
}

function ignore(): void {}

function streamOfBytes(bytes: Uint8Array | undefined): GuestStream | undefined {
  if (bytes === undefined) return undefined;
  let rest = bytes;
  return {
    givesCopies: true,
    read: ({ count }) => {
      const value = rest.subarray(0, count);
      rest = rest.subarray(value.length);
      return Promise.resolve({ value, done: rest.length === 0 });
    },
  };
}

function consumeWire({ message, context }: FromWire): ConsumedBody {
  const { stream: inner, end } = streamOfSource(message.body, context.end);
  let isRead = false;
  const note = <Result extends IteratorResult<Uint8Array> | undefined>(result: Result): Result => {
    if (result?.done === true) isRead = true;
    return result;
  };
  const stream: ByteChunks = {
    next: async () => note(await inner.next()),
    takeNow: () => note(inner.takeNow()),
    return: () => inner.return!(),
    [Symbol.asyncIterator]: () => stream,
  };
  return [stream, trailersAfter()];

  async function trailersAfter(): Promise<TrailersResult> {
    try {
      const ended = await end;
      if (ended !== undefined) throw ended.error;
      // Of a body that was let go half-way nothing more comes.
      await Promise.resolve();
      const list = isRead ? await message.trailers() : [];
      const fields = list.length === 0 ? undefined : Fields.fromWire(list, FieldsBudget.of(context));
      return { tag: 'ok', val: fields };
    } catch (error) {
      return { tag: 'err', val: toHttpErrorCode(error) };
    }
  }
}

/** A message that came from a wire and goes on unread: its bytes stay in the host. */
function relay({ message, context }: FromWire): SentBody {
  const { stream, end } = streamOfSource(message.body, context.end);
  const guestLike: GuestStream = {
    read: async () => {
      const result = await stream.next();
      return { value: result.value, done: result.done === true };
    },
    [Symbol.dispose]: () => message.body.close(),
  };
  return {
    stream: guestLike,
    trailers: async () => {
      const ended = await end;
      if (ended !== undefined) throw ended.error;
      return message.trailers();
    },
  };
}

/** Said rather than left out: a receiver may rely on trailers, for a checksum say. */
const LOST_TRAILERS = internalError('this host cannot take over trailers of a WASI 0.3 guest');

async function readTrailers(trailers: GuestFuture<TrailersResult>): Promise<HeaderList> {
  const result = await trailers;
  if (result.tag === 'err') throw new OutboundError(result.val);
  if (result.val === undefined) return [];
  // jco 1.35 looks resources up that come through a future in the wrong handle table, and hands out a shell.
  if (!FieldMap.isGenuine(result.val)) throw new OutboundError(LOST_TRAILERS);
  return FieldMap.toList(result.val);
}

/** jco reads an async iterable chunk by chunk, but its own streams byte by byte: hence this one around it. */
function chunksOf(contents: GuestStream | undefined): AsyncIterableIterator<Uint8Array> {
  const source =
    contents === undefined ? undefined : new GuestStreamSource(contents, () => Promise.resolve());
  if (source !== undefined) return streamOfSource(source, NEVER_ABORTED).stream;
  const empty: AsyncIterableIterator<Uint8Array> = {
    next: () => Promise.resolve({ done: true, value: undefined }),
    [Symbol.asyncIterator]: () => empty,
  };
  return empty;
}

const NEVER_ABORTED: EndFlag = { aborted: false };
