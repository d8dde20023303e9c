/**
 * How bytes pass between a guest and the host: pulled without blocking, with a readiness promise for whoever
 * wants to wait. Both the 0.2 streams (poll-based) and the 0.3 ones (async) are adapters over these two, and
 * back-pressure follows from the bounds: a sink takes at most what `checkWrite` says, a source is read only
 * when asked.
 */

/** Bytes that a guest reads. */
export interface ByteSource {
  /**
   * Up to `maxBytes` (>= 1) bytes that are there now; an empty array when none are yet; `'end'` after the
   * last. Throws the source's error once, if it failed (the error that `WasiContext` documents for it).
   */
  read(maxBytes: number): Uint8Array | 'end';
  /** Whether `read` would give bytes, the end or an error right now. */
  isReady(): boolean;
  /** Resolves as soon as `isReady()`; never rejects. */
  ready(): Promise<void>;
  /** The reader is done with it; what produces may stop. Idempotent. */
  close(): void;
}

/** Bytes that a guest writes. */
export interface ByteSink {
  /** How many bytes `write` takes now; 0 means wait for `ready()`. Throws if the other side is gone. */
  checkWrite(): number;
  /** Takes all of `bytes`, which `checkWrite` allowed. The sink may keep a reference: callers pass a copy. */
  write(bytes: Uint8Array): void;
  isReady(): boolean;
  /** Resolves as soon as `checkWrite()` would be positive or throw; never rejects. */
  ready(): Promise<void>;
  /**
   * Resolves when what was written is on its way: the buffer between the two sides is no longer full (or the
   * other side is gone), which is at once while `isReady()`. Not when the last byte has arrived: a guest that flushes every 4 KiB, as C's standard
   * library does through the preview1 adapter, would wait for a round trip each time (1 GiB took 31 s), and one
   * that flushes a request's body before it sends the request would wait for ever.
   */
  flushed(): Promise<void>;
  /** No more bytes follow: a complete end. Idempotent. */
  end(): void;
  /** The producer broke off: the other side sees an incomplete body. Idempotent; ignored after `end`. */
  abort(reason: Error): void;
}
