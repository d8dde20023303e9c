import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { GuestStream } from '../io/async-streams.ts';
import type { ByteSource } from '../io/bytes.ts';
import { Gate } from '../io/gate.ts';

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'reading' }
  | { readonly kind: 'ended' }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * A 0.3 guest's `stream<u8>` as a source: at most one chunk is read ahead, and only when somebody waits for it.
 *
 * @param conclude called once at the end of the stream; what it rejects with is the source's error, so that a
 * body whose trailers say it failed does not pass for a complete one
 */
export class GuestStreamSource implements ByteSource {
  readonly #stream: GuestStream;
  readonly #conclude: () => Promise<void>;
  readonly #gate = new Gate();
  #chunk: Uint8Array | undefined;
  #state: State = { kind: 'idle' };

  constructor(stream: GuestStream, conclude: () => Promise<void>) {
    this.#stream = stream;
    this.#conclude = conclude;
  }

  read(maxBytes: number): Uint8Array | 'end' {
    const chunk = this.#chunk;
    if (chunk !== undefined) {
      this.#chunk = chunk.length > maxBytes ? chunk.subarray(maxBytes) : undefined;
      return chunk.length > maxBytes ? chunk.subarray(0, maxBytes) : chunk;
    }
    if (this.#state.kind === 'ended') return 'end';
    if (this.#state.kind === 'failed') {
      const { error } = this.#state;
      this.#state = { kind: 'ended' };
      throw error;
    }
    this.#startReading();
    return new Uint8Array(0);
  }

  isReady(): boolean {
    return this.#chunk !== undefined || this.#state.kind === 'ended' || this.#state.kind === 'failed';
  }

  ready(): Promise<void> {
    if (this.isReady()) return Promise.resolve();
    const wait = this.#gate.wait();
    this.#startReading();
    return wait;
  }

  close(): void {
    if (this.#state.kind === 'ended') return;
    this.#state = { kind: 'ended' };
    this.#chunk = undefined;
    this.#stream[Symbol.dispose]?.();
    this.#gate.open();
  }

  #startReading(): void {
    if (this.#state.kind !== 'idle') return;
    this.#state = { kind: 'reading' };
    void this.#readChunk().then(
      (chunk) => this.#arrived(chunk),
      (error: unknown) => this.#settle({ kind: 'failed', error }),
    );
  }

  async #readChunk(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { value, done } = await this.#stream.read({ count: STREAM_BUFFER_BYTES });
      const chunk = toBytes(value);
      if (chunk.length > 0) return chunk;
      if (done !== true) continue;
      await this.#conclude();
      return undefined;
    }
  }

  #arrived(chunk: Uint8Array | undefined): void {
    if (this.#state.kind === 'reading') this.#chunk = chunk;
    this.#settle({ kind: chunk === undefined ? 'ended' : 'idle' });
  }

  #settle(state: State): void {
    if (this.#state.kind === 'reading') this.#state = state;
    this.#gate.open();
  }
}

/** A stream that the guest made gives typed arrays; one that it was given and hands back, arrays of numbers. */
function toBytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  return Array.isArray(value) ? Uint8Array.from(value as number[]) : new Uint8Array(0);
}
