/** The body of an export of traces: what is written already (span-writer.ts) is put into its frame as it is, the rest is written by the SDK. */
import type { InstrumentationScope } from '@opentelemetry/core';
import {
  type IExportTraceServiceResponse,
  type ISerializer,
  ProtobufTraceSerializer,
} from '@opentelemetry/otlp-transformer';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { attributeField, bytesField, intField, stringField, varint } from './otlp-fields.ts';
import { WrittenSpan } from './written-span.ts';

/** Spans that lie beside one another. */
interface Run {
  readonly bytes: Uint8Array;
  readonly start: number;
  end: number;
}

export class TraceSerializer implements ISerializer<ReadableSpan[], IExportTraceServiceResponse> {
  /** Of `ResourceSpans`. */
  readonly #resource: Buffer;
  /** Of `ScopeSpans`. */
  readonly #scope: Buffer;

  constructor(
    resource: Readonly<Record<string, string>>,
    { name, version = '' }: Pick<InstrumentationScope, 'name' | 'version'>,
  ) {
    const attributes = Object.entries(resource).map((attribute) => attributeField(1, attribute));
    this.#resource = bytesField(1, ...attributes, intField(2, 0));
    this.#scope = bytesField(1, stringField(1, name), stringField(2, version));
  }

  serializeRequest(spans: ReadableSpan[]): Uint8Array {
    const runs: Run[] = [];
    const others: ReadableSpan[] = [];
    let length = 0;
    for (const span of spans) {
      if (!(span instanceof WrittenSpan)) {
        others.push(span);
        continue;
      }
      const { bytes, start, end } = span;
      length += end - start;
      const last = runs.at(-1);
      // Those of one batch follow one another, and are copied as a whole.
      if (last?.bytes === bytes && last.end === start) last.end = end;
      else runs.push({ bytes, start, end });
    }
    const rest = others.length === 0 ? undefined : ProtobufTraceSerializer.serializeRequest(others);
    if (runs.length === 0) return rest ?? new Uint8Array(0);
    const before = this.#frame(length);
    // Two encoded messages, one after the other, are the message with the elements of both.
    const request = new Uint8Array(before.length + length + (rest?.length ?? 0));
    request.set(before);
    let at = before.length;
    for (const { bytes, start, end } of runs) {
      request.set(bytes.subarray(start, end), at);
      at += end - start;
    }
    if (rest !== undefined) request.set(rest, at);
    return request;
  }

  deserializeResponse(bytes: Uint8Array): IExportTraceServiceResponse {
    return ProtobufTraceSerializer.deserializeResponse(bytes);
  }

  /** ExportTraceServiceRequest.resource_spans { resource, scope_spans { scope, ... } } up to spans of this length. */
  #frame(length: number): Buffer {
    const scopeLength = this.#scope.length + length;
    const scopeSpans = Buffer.from([2 * 8 + 2, ...varint(scopeLength)]);
    const resourceLength = this.#resource.length + scopeSpans.length + scopeLength;
    return Buffer.concat([
      Buffer.from([1 * 8 + 2, ...varint(resourceLength)]),
      this.#resource,
      scopeSpans,
      this.#scope,
    ]);
  }
}
