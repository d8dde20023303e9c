/** What a guest says of its own work: plain data, bounded and checked (wasi/otel/). */

export type AttributeValue =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly number[]
  | readonly boolean[];

/** Pairs rather than an object: a guest chooses the keys, `__proto__` among them. */
export type GuestAttributes = readonly (readonly [key: string, value: AttributeValue])[];

export const GUEST_SPAN_KINDS = ['client', 'server', 'producer', 'consumer', 'internal'] as const;

export interface GuestSpanEvent {
  readonly name: string;
  /** Between the beginning and the end of its span. */
  readonly atMs: number;
  readonly attributes: GuestAttributes;
}

/** What was said of a span when it ended. */
export interface GuestSpanContent {
  readonly name: string;
  readonly kind: (typeof GUEST_SPAN_KINDS)[number];
  /** Of the library that made it, as the guest names it. */
  readonly scope: string;
  readonly attributes: GuestAttributes;
  readonly attributesLeftOut: number;
  /** Times in milliseconds since the epoch, as the guest's clock has them. */
  readonly events: readonly GuestSpanEvent[];
  readonly eventsLeftOut: number;
  /** As `traceparent`. */
  readonly links: readonly string[];
  readonly linksLeftOut: number;
  readonly status: 'unset' | 'ok' | 'error';
  readonly statusMessage: string;
  /** What keeping it takes, about. */
  readonly bytes: number;
}

export interface GuestSpan extends GuestSpanContent {
  readonly spanId: string;
  /** Undefined: the invocation's. */
  readonly parentSpanId: string | undefined;
  /** When the guest said so, by the host's clock, since the epoch. */
  readonly startMs: number;
  readonly endMs: number;
}
