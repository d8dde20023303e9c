/**
 * What componentize-qjs offers to the JavaScript inside a component: one module per imported WIT interface, and
 * the global `wit`. Only what this runtime uses is declared. A WIT `result` that a function returns directly
 * becomes a return value or a throw; nested in anything else it is `{ tag, val }`.
 */
declare module 'mayfly:wit' {
  export interface WitFuture<T> {
    /** Repeated calls share one promise. */
    read(): Promise<T>;
    drop(): void;
  }
  export interface WitReadableStream extends AsyncIterable<Uint8Array> {
    next(): Promise<IteratorResult<Uint8Array>>;
    drop(): void;
  }
  export interface WitWritableStream {
    /** The count taken; 0 after a non-empty write means that the reader has gone. */
    write(bytes: Uint8Array): Promise<number>;
    drop(): void;
  }
  export interface WitWritableFuture {
    write(value: unknown): Promise<boolean>;
    /** Only once the value was written. */
    drop(): void;
  }
  export type WitResult<T, E> =
    | { readonly tag: 'ok'; readonly val?: T }
    | { readonly tag: 'err'; readonly val: E };
  /** The global `wit`. */
  export interface Wit {
    readonly Stream: {
      (type: unknown): { readonly readable: WitReadableStream; readonly writable: WitWritableStream };
      readonly U8: unknown;
    };
    readonly Future: {
      (type: unknown): { readonly readable: WitFuture<unknown>; readonly writable: WitWritableFuture };
      /** `result<_, error-code>` */
      readonly RESULT_VOID_ERROR_CODE: unknown;
      /** `result<option<trailers>, error-code>` */
      readonly RESULT_OPTION_OTHER_ERROR_CODE: unknown;
    };
  }
}

declare module 'wasi:http/types@0.3.0' {
  import type { WitFuture, WitReadableStream } from 'mayfly:wit';
  /** A WIT variant: `method`, `scheme` and `error-code` all look like this. */
  export interface Variant {
    readonly tag: string;
    readonly val?: unknown;
  }
  export type FieldEntries = [name: string, value: Uint8Array][];
  export class Fields {
    static fromList(entries: FieldEntries): Fields;
    copyAll(): FieldEntries;
    [Symbol.dispose](): void;
  }
  type Consumed = [body: WitReadableStream, trailers: WitFuture<unknown>];
  export class Request {
    static new(
      headers: Fields,
      contents: WitReadableStream | null,
      trailers: WitFuture<unknown>,
      options: null,
    ): [Request, WitFuture<unknown>];
    static consumeBody(request: Request, result: WitFuture<unknown>): Consumed;
    getMethod(): Variant;
    setMethod(method: Variant): void;
    getPathWithQuery(): string | null;
    setPathWithQuery(pathWithQuery: string): void;
    getScheme(): Variant | null;
    setScheme(scheme: Variant): void;
    getAuthority(): string | null;
    setAuthority(authority: string): void;
    getHeaders(): Fields;
  }
  export class Response {
    static new(
      headers: Fields,
      contents: WitReadableStream | null,
      trailers: WitFuture<unknown>,
    ): [Response, WitFuture<unknown>];
    static consumeBody(response: Response, result: WitFuture<unknown>): Consumed;
    getStatusCode(): number;
    setStatusCode(status: number): void;
    getHeaders(): Fields;
  }
}

declare module 'mayfly:http/messages@0.1.0' {
  import type { Request, Response } from 'wasi:http/types@0.3.0';
  export function bytesResponse(status: number, fields: string, body: Uint8Array | null): Response | null;
  export function requestFields(request: Request): string;
  export function requestLine(request: Request): string;
  export function textResponse(status: number, fields: string, body: string): Response | null;
}

declare module 'mayfly:http/outbound@0.1.0' {
  import type { WitFuture, WitResult } from 'mayfly:wit';
  import type { Request, Response, Variant } from 'wasi:http/types@0.3.0';
  export function send(request: Request): WitFuture<WitResult<Response, Variant>>;
}

declare module 'mayfly:events/queue-handler@0.1.0' {
  export interface WireMessage {
    readonly id: string;
    readonly attempt: number;
    readonly sentAtMs: number;
    readonly groupKey?: string | null;
    readonly contentType: string;
    readonly attributes: [string, string][];
    readonly body: Uint8Array;
  }
  export interface WireBatch {
    readonly source: string;
    readonly messages: readonly WireMessage[];
    readonly traceparent?: string | null;
  }
  export interface ItemFailure {
    readonly id: string;
    readonly detail: string;
  }
}

declare module 'mayfly:events/schedule-handler@0.1.0' {
  export interface WireTick {
    readonly id: string;
    readonly attempt: number;
    readonly schedule: string;
    readonly scheduledAtMs: number;
    readonly cron?: string | null;
    readonly contentType: string;
    readonly input: Uint8Array;
    readonly traceparent?: string | null;
  }
}

declare module 'wasi:cli/environment@0.2.12' {
  export function getEnvironment(): [string, string][];
}

declare module 'wasi:cli/stdout@0.2.12' {
  export interface OutputStream {
    /** At most 4,096 bytes a call. */
    blockingWriteAndFlush(bytes: Uint8Array): void;
  }
  export function getStdout(): OutputStream;
}

declare module 'wasi:cli/stderr@0.2.12' {
  import type { OutputStream } from 'wasi:cli/stdout@0.2.12';
  export function getStderr(): OutputStream;
}

declare module 'wasi:random/random@0.2.12' {
  export function getRandomBytes(length: number): Uint8Array;
}

declare module 'wasi:otel/tracing@0.2.0-rc.2' {
  /** The value is JSON. */
  export interface KeyValue {
    readonly key: string;
    readonly value: string;
  }
  export interface Datetime {
    readonly seconds: number;
    readonly nanoseconds: number;
  }
  export interface SpanContext {
    readonly traceId: string;
    readonly spanId: string;
    readonly traceFlags: { readonly sampled?: boolean };
    readonly isRemote: boolean;
    readonly traceState: readonly (readonly [string, string])[];
  }
  export interface SpanEvent {
    readonly name: string;
    readonly time: Datetime;
    readonly attributes: readonly KeyValue[];
  }
  export interface SpanData {
    readonly spanContext: SpanContext;
    readonly parentSpanId: string;
    readonly spanKind: 'client' | 'server' | 'producer' | 'consumer' | 'internal';
    readonly name: string;
    readonly startTime: Datetime;
    readonly endTime: Datetime;
    readonly attributes: readonly KeyValue[];
    readonly events: readonly SpanEvent[];
    readonly links: readonly never[];
    readonly status: { readonly tag: 'unset' | 'ok' } | { readonly tag: 'error'; readonly val: string };
    readonly instrumentationScope: {
      readonly name: string;
      readonly version: string | null;
      readonly schemaUrl: string | null;
      readonly attributes: readonly KeyValue[];
    };
    readonly droppedAttributes: number;
    readonly droppedEvents: number;
    readonly droppedLinks: number;
  }
  export function currentSpanContext(): SpanContext;
  export function onStart(context: SpanContext): void;
  export function onEnd(span: SpanData): void;
}

declare module 'mayfly:telemetry/invocation@0.1.0' {
  import type { KeyValue } from 'wasi:otel/tracing@0.2.0-rc.2';
  export function setAttributes(attributes: readonly KeyValue[]): void;
}
