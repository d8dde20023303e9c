/**
 * A guest's standard output or error as log lines.
 *
 * 1. A line is what lies between two line feeds; a carriage return before the feed is part of the line end.
 * 2. A line longer than MAX_LINE_BYTES is cut into several, never inside a UTF-8 sequence.
 * 3. Together the sinks that share a budget take at most its limit. The write that goes beyond is taken as far as it
 *    fits, then the invocation ends.
 */
import { STREAM_BUFFER_BYTES } from '../../limits/limits.ts';
import type { ByteSink } from '../io/bytes.ts';
import { StreamClosedError } from '../io/error.ts';

/** A log record has to fit comfortably into one line of a log pipeline. */
export const MAX_LINE_BYTES: number = 8 * 1024;

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const resolved = Promise.resolve();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes that one invocation may log, over both its streams. */
export class LogBudget {
  readonly limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  get used(): number {
    return this.#usedBytes;
  }

  /** Takes `bytes`, or as many as are left. */
  take(bytes: number): number {
    const taken = Math.min(bytes, this.limitBytes - this.#usedBytes);
    this.#usedBytes += taken;
    return taken;
  }
}

export interface LineSinkOptions {
  readonly budget: LogBudget;
  /** One line, without its end; ill-formed UTF-8 comes as U+FFFD. */
  onLine(line: string): void;
  /** The guest wrote more than the budget allows: ends the invocation, returns the error to throw. */
  onExceeded(): Error;
}

export class LineSink implements ByteSink {
  readonly #options: LineSinkOptions;
  /** Start of a line whose end has not come yet. */
  #partial = new Uint8Array(0);
  #ended = false;

  constructor(options: LineSinkOptions) {
    this.#options = options;
  }

  checkWrite(): number {
    if (this.#ended) throw new StreamClosedError();
    return STREAM_BUFFER_BYTES;
  }

  write(bytes: Uint8Array): void {
    if (this.#ended) return;
    const taken = this.#options.budget.take(bytes.length);
    this.#split(bytes.subarray(0, taken));
    if (taken === bytes.length) return;
    this.end();
    throw this.#options.onExceeded();
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return resolved;
  }

  flushed(): Promise<void> {
    return resolved;
  }

  /** Gives out a last line that has no line feed. Whoever runs the guest calls this when it has ended. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#partial.length > 0) this.#emit(this.#partial);
    this.#partial = new Uint8Array(0);
  }

  abort(): void {
    this.end();
  }

  #split(bytes: Uint8Array): void {
    let rest = bytes;
    for (let feed = rest.indexOf(LINE_FEED); feed >= 0; feed = rest.indexOf(LINE_FEED)) {
      this.#emit(this.#keepShort(rest.subarray(0, feed)));
      this.#partial = new Uint8Array(0);
      rest = rest.subarray(feed + 1);
    }
    this.#partial = this.#keepShort(rest).slice();
  }

  /** What is begun plus `bytes`, with full lines given out until the remainder is a short line. */
  #keepShort(bytes: Uint8Array): Uint8Array {
    let line = bytes;
    if (this.#partial.length > 0) {
      line = new Uint8Array(this.#partial.length + bytes.length);
      line.set(this.#partial);
      line.set(bytes, this.#partial.length);
    }
    while (line.length > MAX_LINE_BYTES) {
      const cut = sequenceStart(line, MAX_LINE_BYTES);
      this.#options.onLine(decoder.decode(line.subarray(0, cut)));
      line = line.subarray(cut);
    }
    return line;
  }

  #emit(line: Uint8Array): void {
    const end = line.at(-1) === CARRIAGE_RETURN ? line.length - 1 : line.length;
    this.#options.onLine(decoder.decode(line.subarray(0, end)));
  }
}

/** The last index at or before `index` at which no UTF-8 sequence is cut; `index` itself in ill-formed text. */
function sequenceStart(bytes: Uint8Array, index: number): number {
  for (let at = index; at > index - 4; at -= 1) {
    if ((bytes[at]! & 0xc0) !== 0x80) return at;
  }
  return index;
}
