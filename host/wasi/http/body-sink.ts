/**
 * Where a guest writes a message body, before it is known where the bytes go: a response body may be written
 * (up to STREAM_BUFFER_BYTES) before the response is sent.
 *
 * 1. Bytes, trailers and the end reach the target in the order the guest gave them.
 * 2. The target gets exactly as many bytes as `content-length` declared, or an abort: never a complete message
 *    of another length.
 * 3. `end` and `abort` take effect once; the first wins.
 */
import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { HeaderList } from '../context.ts';
import type { ByteSink } from '../io/bytes.ts';
import { StreamClosedError } from '../io/error.ts';
import { Gate } from '../io/gate.ts';
import { OutboundError } from './error-code.ts';

export interface BodyTarget {
  readonly sink: ByteSink;
  sendTrailers(trailers: HeaderList): void;
}

type Ending =
  | { readonly kind: 'end'; readonly trailers: HeaderList }
  | { readonly kind: 'abort'; readonly reason: Error };

const resolved = Promise.resolve();

export class BodySink implements ByteSink {
  readonly #declaredBytes: number | undefined;
  readonly #sizeTag: 'HTTP-request-body-size' | 'HTTP-response-body-size';
  readonly #moved = new Gate();
  #target: BodyTarget | undefined;
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #writtenBytes = 0;
  #ending: Ending | undefined;
  #isSettled = false;

  /** @param declaredBytes of `content-length`, where the message has one */
  constructor(kind: 'request' | 'response', declaredBytes: number | undefined) {
    this.#sizeTag = `HTTP-${kind}-body-size`;
    this.#declaredBytes = declaredBytes;
  }

  get writtenBytes(): number {
    return this.#writtenBytes;
  }

  /** Whether it was ended or aborted: the first of these wins. */
  get hasEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Why the body is incomplete, if it is. */
  get failure(): Error | undefined {
    return this.#ending?.kind === 'abort' ? this.#ending.reason : undefined;
  }

  /** Whether fewer bytes were written than declared. */
  get isShort(): boolean {
    return this.#declaredBytes !== undefined && this.#writtenBytes < this.#declaredBytes;
  }

  sizeError(): OutboundError {
    return new OutboundError({ tag: this.#sizeTag, val: BigInt(this.#writtenBytes) });
  }

  /** Called once, when it is known where the body goes. */
  attach(target: BodyTarget): void {
    this.#target = target;
    if (this.#early.length > 0) {
      void this.#pump(target);
      return;
    }
    this.#moved.open();
    this.#forwardEnding(target);
  }

  /** Whether everything has been handed to the target, the end or the abort included. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  /** Resolves when everything has been handed to the target: `isSettled`. */
  async settled(): Promise<void> {
    while (!this.#isSettled) await this.#moved.wait();
  }

  checkWrite(): number {
    const ending = this.#ending;
    if (ending !== undefined) throw ending.kind === 'abort' ? ending.reason : new StreamClosedError();
    if (this.#target !== undefined && this.#early.length === 0) return this.#target.sink.checkWrite();
    return Math.max(0, STREAM_BUFFER_BYTES - this.#earlyBytes);
  }

  write(bytes: Uint8Array): void {
    if (this.#ending !== undefined) return;
    this.#writtenBytes += bytes.length;
    if (this.#declaredBytes !== undefined && this.#writtenBytes > this.#declaredBytes) {
      this.abort(this.sizeError());
    } else if (this.#target !== undefined && this.#early.length === 0) {
      this.#target.sink.write(bytes);
    } else {
      this.#early.push(bytes);
      this.#earlyBytes += bytes.length;
    }
  }

  isReady(): boolean {
    if (this.#ending !== undefined) return true;
    if (this.#target !== undefined && this.#early.length === 0) return this.#target.sink.isReady();
    return this.#earlyBytes < STREAM_BUFFER_BYTES;
  }

  async ready(): Promise<void> {
    while (!this.isReady()) {
      if (this.#target !== undefined && this.#early.length === 0) await this.#target.sink.ready();
      else await this.#moved.wait();
    }
  }

  /** Before the target is known, room is all that there is to wait for. */
  flushed(): Promise<void> {
    if (this.#target !== undefined && this.#early.length === 0) return this.#target.sink.flushed();
    return this.isReady() ? resolved : this.ready();
  }

  end(trailers: HeaderList = []): void {
    this.#close({ kind: 'end', trailers });
  }

  abort(reason: Error): void {
    this.#close({ kind: 'abort', reason });
  }

  #close(ending: Ending): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    if (ending.kind === 'abort') this.#early = [];
    this.#moved.open();
    if (this.#target !== undefined && this.#early.length === 0) this.#forwardEnding(this.#target);
  }

  async #pump(target: BodyTarget): Promise<void> {
    try {
      while (this.#early.length > 0) {
        const room = target.sink.checkWrite();
        if (room === 0) await target.sink.ready();
        else this.#moveFirst(target, room);
      }
    } catch (error) {
      // The other side is gone; the guest learns it from its next write.
      this.#early = [];
      this.#ending = { kind: 'abort', reason: error as Error };
    }
    this.#moved.open();
    this.#forwardEnding(target);
  }

  #moveFirst(target: BodyTarget, room: number): void {
    const first = this.#early[0]!;
    const part = first.length <= room ? first : first.subarray(0, room);
    if (part === first) this.#early.shift();
    else this.#early[0] = first.subarray(room);
    this.#earlyBytes -= part.length;
    target.sink.write(part);
    this.#moved.open();
  }

  #forwardEnding({ sink, sendTrailers }: BodyTarget): void {
    const ending = this.#ending;
    if (ending === undefined || this.#isSettled) return;
    this.#isSettled = true;
    if (ending.kind === 'abort') {
      sink.abort(ending.reason);
    } else {
      if (ending.trailers.length > 0) sendTrailers(ending.trailers);
      sink.end();
    }
    this.#moved.open();
  }
}
