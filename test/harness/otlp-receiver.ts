/** A receiver of OTLP over HTTP on loopback: what comes is decoded with the classes that protobufjs made of the published .proto files. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import protocol from '@opentelemetry/otlp-proto-exporter-base/build/src/generated/root.js';

interface MessageType {
  decode(bytes: Uint8Array): object;
  toObject(message: object, options: object): unknown;
}

interface Protocol {
  readonly opentelemetry: {
    readonly proto: {
      readonly collector: {
        readonly trace: { readonly v1: { readonly ExportTraceServiceRequest: MessageType } };
        readonly metrics: { readonly v1: { readonly ExportMetricsServiceRequest: MessageType } };
        readonly logs: { readonly v1: { readonly ExportLogsServiceRequest: MessageType } };
      };
    };
  };
}

// Its own declarations know of no message.
const { trace, metrics, logs } = (protocol as unknown as Protocol).opentelemetry.proto.collector;

const SERVICES = {
  '/v1/traces': trace.v1.ExportTraceServiceRequest,
  '/v1/metrics': metrics.v1.ExportMetricsServiceRequest,
  '/v1/logs': logs.v1.ExportLogsServiceRequest,
} as const;

export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly status: number;
  readonly attributes: Attributes;
  readonly links: readonly string[];
  readonly statusMessage: string;
  readonly scope: string;
  readonly events: readonly {
    readonly name: string;
    readonly atNs: bigint;
    readonly attributes: Attributes;
  }[];
  readonly attributesLeftOut: number;
}

export interface ReceivedPoint {
  readonly metric: string;
  readonly unit: string;
  readonly attributes: Attributes;
  /** Of a sum or a gauge; the count of a histogram. */
  readonly value: number;
  readonly sum: number;
}

export interface ReceivedLog {
  readonly body: string;
  readonly severity: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

// biome-ignore lint/suspicious/noExplicitAny: decoded messages, of which a test reads some fields
type Decoded = any;

export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly logs: ReceivedLog[] = [];
  /** Of the last export. */
  points: readonly ReceivedPoint[] = [];
  resource: Attributes = {};
  headers: IncomingHttpHeaders = {};
  readonly #server: Server;
  #arrival = Promise.withResolvers<void>();

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () => {
        this.headers = incoming.headers;
        this.#take(incoming.url ?? '', Buffer.concat(chunks));
        outgoing.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
      });
    });
  }

  static async start(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    await new Promise<void>((resolve) => receiver.#server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Settings of a host that sends spans here, soon, and nothing else. */
  get spansAlone(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: this.origin,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRICS_EXPORTER: 'none',
      OTEL_LOGS_EXPORTER: 'none',
    };
  }

  /** Resolves with what `find` gives, once it gives something. */
  async until<T>(find: () => T | undefined): Promise<T> {
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      await this.#arrival.promise;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(path: string, body: Buffer): void {
    const service = SERVICES[path as keyof typeof SERVICES];
    const message: Decoded = service.toObject(service.decode(body), {
      longs: String,
      arrays: true,
      defaults: true,
    });
    for (const { resource, scopeSpans } of message.resourceSpans ?? []) {
      this.resource = attributesOf(resource.attributes);
      for (const { scope, spans } of scopeSpans)
        this.spans.push(...spans.map((span: Decoded) => toSpan(span, scope.name)));
    }
    for (const { scopeLogs } of message.resourceLogs ?? []) {
      for (const { logRecords } of scopeLogs) this.logs.push(...logRecords.map(toLog));
    }
    if (message.resourceMetrics !== undefined) {
      this.points = message.resourceMetrics.flatMap(({ scopeMetrics }: Decoded) =>
        scopeMetrics.flatMap(({ metrics: all }: Decoded) => all.flatMap(toPoints)),
      );
    }
    this.#arrival.resolve();
    this.#arrival = Promise.withResolvers();
  }
}

function toSpan(span: Decoded, scope: string): ReceivedSpan {
  return {
    traceId: hex(span.traceId),
    spanId: hex(span.spanId),
    parentSpanId: hex(span.parentSpanId),
    name: span.name,
    kind: span.kind,
    startNs: BigInt(span.startTimeUnixNano),
    endNs: BigInt(span.endTimeUnixNano),
    status: span.status?.code ?? 0,
    attributes: attributesOf(span.attributes),
    links: span.links.map((link: Decoded) => hex(link.traceId)),
    statusMessage: span.status?.message ?? '',
    scope,
    events: span.events.map((event: Decoded) => ({
      name: event.name,
      atNs: BigInt(event.timeUnixNano),
      attributes: attributesOf(event.attributes),
    })),
    attributesLeftOut: span.droppedAttributesCount,
  };
}

function toLog(log: Decoded): ReceivedLog {
  return {
    body: log.body.stringValue,
    severity: log.severityNumber,
    traceId: hex(log.traceId),
    spanId: hex(log.spanId),
    attributes: attributesOf(log.attributes),
  };
}

function toPoints({ name, unit, sum, gauge, histogram }: Decoded): ReceivedPoint[] {
  const points: Decoded[] = (sum ?? gauge ?? histogram).dataPoints;
  return points.map((point) => ({
    metric: name,
    unit,
    attributes: attributesOf(point.attributes),
    value: Number(histogram ? point.count : (point.asInt ?? point.asDouble)),
    sum: Number(point.sum ?? 0),
  }));
}

function attributesOf(list: readonly { readonly key: string; readonly value: Decoded }[]): Attributes {
  return Object.fromEntries(
    list.map(({ key, value }) => {
      if (value.intValue !== undefined) return [key, Number(value.intValue)];
      return [key, value.stringValue ?? value.doubleValue ?? value.boolValue];
    }),
  );
}

function hex(bytes: Uint8Array | readonly number[]): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}
