import type { FunctionConfiguration } from '../model/function-configuration.ts';
import type { InvocationTrace } from '../model/invocation-trace.ts';
import type { Ending } from './ending.ts';
import type { FieldsBudget } from './http/fields-budget.ts';
import type { ByteSink, ByteSource } from './io/bytes.ts';
import type { Handles } from './io/handles.ts';

/** Header fields in order, names as given, values as bytes (they need not be UTF-8). */
export type HeaderList = readonly (readonly [name: string, value: Uint8Array])[];

/** An HTTP request to the guest and the one response to it, free of any WASI version. */
export interface HttpExchange {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host and port as the caller named them. */
  readonly authority: string;
  /** Relative to the function: `/x?y=1`. */
  readonly pathWithQuery: string;
  readonly headers: HeaderList;
  readonly body: ByteSource;
  /** Resolves with the request's trailers (empty where there are none) once `body` has ended. */
  trailers(): Promise<HeaderList>;
  /**
   * Starts the response, once. Checks status and header bounds and throws `MayflyError`
   * (`response_invalid`, `response_headers_too_large`). The body goes to the sink, which enforces
   * `responseBytes` by ending the invocation.
   */
  respond(status: number, headers: HeaderList): ByteSink;
  /** Sends trailers after the body; called at most once, before the sink's `end`. */
  sendTrailers(trailers: HeaderList): void;
}

/** A request from the guest to the outside, free of any WASI version. */
export interface OutboundRequest {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly authority: string;
  readonly pathWithQuery: string;
  readonly headers: HeaderList;
  /** `undefined` when the guest sends none. */
  readonly body: ByteSource | undefined;
  readonly connectTimeoutMs: number | undefined;
  readonly firstByteTimeoutMs: number | undefined;
  readonly betweenBytesTimeoutMs: number | undefined;
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: ByteSource;
  trailers(): Promise<HeaderList>;
}

/**
 * Outbound HTTP of one function: undici behind an allow-list. Rejects with an `OutboundError` that carries a
 * wasi:http error-code as a plain union (see wasi/http/error-code.ts), never with anything else.
 */
export interface OutboundHttp {
  send(request: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse>;
}

/** Time as the guest sees it; injected, so that tests drive it by hand. */
export interface Clock {
  /** How far apart two readings are that differ, at least. */
  readonly monotonicResolutionNs: bigint;
  readonly wallResolutionNs: bigint;
  /** Nanoseconds since the Unix epoch. */
  wallNs(): bigint;
  /** Nanoseconds since an arbitrary start, never decreasing. */
  monotonicNs(): bigint;
  /** Resolves at or after the monotonic instant, or never once `signal` is aborted. */
  sleepUntil(monotonicNs: bigint, signal: AbortSignal): Promise<void>;
}

/** Everything that one invocation's imports may use. Nothing in wasi/ keeps state outside of it. */
export interface WasiContext extends Ending {
  readonly configuration: FunctionConfiguration;
  /** Function settings, then what the trigger adds (CGI variables). */
  readonly environment: readonly (readonly [string, string])[];
  readonly args: readonly string[];
  readonly stdin: ByteSource;
  readonly stdout: ByteSink;
  readonly stderr: ByteSink;
  readonly clock: Clock;
  /** Cryptographically secure bytes, and the seed of everything `insecure`. */
  randomBytes(length: number): Uint8Array;
  readonly outbound: OutboundHttp;
  /** Undefined where nobody traces, and where its caller said nothing. */
  readonly trace?: InvocationTrace | undefined;
  /** Fuel for work that the host has with it later on. */
  chargeFuel?(fuel: number): void;
  /** Aborted when the invocation is over, however it ended: pending host work stops, nothing settles after. */
  readonly signal: AbortSignal;
  /**
   * Accounts of this invocation, made by whoever asks first (`FieldsBudget.of`, `Handles.of`). A weak map from contexts
   * to accounts would have the collector look at it each time: thousands of contexts die young.
   */
  fieldsBudget?: FieldsBudget | undefined;
  handles?: Handles | undefined;
}
