/** A `WasiContext` for tests: driven by hand, recording what it is told. */
import { createHash } from 'node:crypto';
import type { ErrorCode } from '../../host/errors/errors.ts';
import { MayflyError } from '../../host/errors/errors.ts';
import { defaultConfiguration } from '../../host/model/function-configuration.ts';
import type { Clock, WasiContext } from '../../host/wasi/context.ts';
import { BufferSource, EMPTY_SOURCE } from '../../host/wasi/io/buffer-source.ts';
import type { ByteSink } from '../../host/wasi/io/bytes.ts';

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  monotonicResolutionNs = 1n;
  wallResolutionNs = 1n;
  nowNs = 1_000n;
  wall = 1_700_000_000_123_456_789n;
  readonly #sleepers = new Set<{ readonly atNs: bigint; readonly wake: () => void }>();

  get sleepers(): number {
    return this.#sleepers.size;
  }

  wallNs(): bigint {
    return this.wall;
  }

  monotonicNs(): bigint {
    return this.nowNs;
  }

  sleepUntil(monotonicNs: bigint, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal.aborted) return;
      const sleeper = {
        atNs: monotonicNs,
        wake: () => {
          this.#sleepers.delete(sleeper);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', () => this.#sleepers.delete(sleeper), { once: true });
    });
  }

  advance(ns: bigint): void {
    this.nowNs += ns;
    for (const sleeper of [...this.#sleepers]) if (sleeper.atNs <= this.nowNs) sleeper.wake();
  }
}

/** Keeps everything; takes at most `roomBytes` at a time. */
export class CollectingSink implements ByteSink {
  readonly chunks: Uint8Array[] = [];
  ended = false;

  get text(): string {
    return Buffer.concat(this.chunks).toString();
  }

  checkWrite(): number {
    return 4096;
  }

  write(bytes: Uint8Array): void {
    this.chunks.push(bytes);
  }

  isReady(): boolean {
    return true;
  }

  ready(): Promise<void> {
    return Promise.resolve();
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  end(): void {
    this.ended = true;
  }

  abort(): void {
    this.ended = true;
  }
}

export interface FakeContext extends WasiContext {
  readonly clock: ManualClock;
  readonly stdout: CollectingSink;
  readonly stderr: CollectingSink;
  /** Every call of `terminate`. */
  readonly terminations: { readonly code: ErrorCode; readonly detail: string }[];
  abort(): void;
}

export interface FakeContextOptions {
  readonly stdin?: string;
  readonly args?: readonly string[];
  readonly environment?: readonly (readonly [string, string])[];
  readonly tmpBytes?: number;
}

/** Random bytes come from a counter through a hash: the same in every run, never the same twice. */
export function createFakeContext(options: FakeContextOptions = {}): FakeContext {
  const controller = new AbortController();
  const terminations: { code: ErrorCode; detail: string }[] = [];
  let drawn = 0;
  return {
    configuration: { ...defaultConfiguration(), tmpBytes: options.tmpBytes ?? 1024 * 1024 },
    environment: options.environment ?? [],
    args: options.args ?? [],
    stdin: options.stdin === undefined ? EMPTY_SOURCE : new BufferSource(Buffer.from(options.stdin)),
    stdout: new CollectingSink(),
    stderr: new CollectingSink(),
    clock: new ManualClock(),
    randomBytes: (length) => {
      drawn += 1;
      return new Uint8Array(
        createHash('shake256', { outputLength: Math.max(1, length) })
          .update(`${drawn}`)
          .digest()
          .subarray(0, length),
      );
    },
    outbound: { send: () => Promise.reject(new Error('no outbound traffic in this test')) },
    end: controller.signal,
    signal: controller.signal,
    terminate: (code, detail) => {
      terminations.push({ code, detail });
      return new MayflyError(code, detail);
    },
    terminations,
    abort: () => controller.abort(),
  };
}

/** A seeded generator (mulberry32): 0 <= x < bound. The seed is printed by whoever fails. */
export function seededRandom(seed: number): (bound: number) => number {
  let state = seed >>> 0;
  return (bound) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
