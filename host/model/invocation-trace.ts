/**
 * The trace that an invocation belongs to, from the head of its request to its end.
 *
 * 1. What it causes (outbound requests, messages, log lines) carries `context`, whether or not it is recorded.
 * 2. Only a recorded one keeps anything: at most OUTBOUND_SPANS requests, and what the guest adds itself (guest-spans.ts).
 */
import type { GuestAttributes } from './guest-span.ts';
import { GuestSpans } from './guest-spans.ts';
import type { OutboundSpan } from './invocation-span.ts';
import type { TraceContext } from './trace-context.ts';

/** A guest that fetches in a loop fills its own trace, not the host's memory. */
export const OUTBOUND_SPANS = 64;

export interface InvocationTraceOptions {
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly isRecorded: boolean;
  readonly newSpanId: () => string;
  readonly nowMs: () => number;
}

/** What another process needs of it, to run the invocation there: plain data. */
export type HandedTrace = Pick<InvocationTraceOptions, 'context' | 'isRecorded'> & {
  /** Undefined where it is the context itself, or there is none. */
  readonly parent: TraceContext | undefined;
};

export class InvocationTrace {
  /** Of the invocation where it is recorded; else its cause's. */
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly isRecorded: boolean;
  readonly #options: InvocationTraceOptions;
  readonly outbound: OutboundSpan[] = [];
  outboundLeftOut = 0;
  /** What the guest says of the invocation itself. */
  attributes: GuestAttributes = [];
  attributesLeftOut = 0;
  #guestSpans: GuestSpans | undefined;
  #endMs: number | undefined;

  constructor(options: InvocationTraceOptions) {
    this.#options = options;
    this.context = options.context;
    this.parent = options.parent;
    this.isRecorded = options.isRecorded;
  }

  /** Whether the guest's own header says something else than the caller's did. */
  get isNew(): boolean {
    return this.context !== this.parent;
  }

  handOver(): HandedTrace {
    const { context, isRecorded } = this;
    return { context, isRecorded, parent: this.isNew ? this.parent : undefined };
  }

  nowMs(): number {
    return this.#options.nowMs();
  }

  /** The invocation is over: what is still done with its answer is none of it. Idempotent. */
  end(): void {
    this.#endMs ??= this.nowMs();
  }

  /** When it was over; now, for one that has not begun. */
  get endMs(): number {
    return this.#endMs ?? this.nowMs();
  }

  /** Undefined where the guest has opened none. */
  get guestSpans(): GuestSpans | undefined {
    return this.#guestSpans;
  }

  openGuestSpans(): GuestSpans {
    this.#guestSpans ??= new GuestSpans(this.#options);
    return this.#guestSpans;
  }

  /** What a request of the guest carries on; a span of its own where the trace is recorded, below the guest's that was opened last. */
  child(): { readonly context: TraceContext; readonly parentSpanId: string } {
    const { spanId } = this.context;
    if (!this.isRecorded) return { context: this.context, parentSpanId: spanId };
    const parentSpanId = this.#outwardId(this.#guestSpans?.current) ?? spanId;
    return { context: { ...this.context, spanId: this.#options.newSpanId() }, parentSpanId };
  }

  /** A context that the guest itself sends on: a span of its own has another id outside. */
  outward(context: TraceContext): TraceContext {
    const spanId = context.traceId === this.context.traceId ? this.#outwardId(context.spanId) : undefined;
    return spanId === undefined ? context : { ...context, spanId };
  }

  #outwardId(guestId: string | undefined): string | undefined {
    return guestId === undefined ? undefined : this.#guestSpans?.outwardId(guestId);
  }

  addOutbound(span: OutboundSpan): void {
    if (!this.isRecorded) return;
    if (this.outbound.length < OUTBOUND_SPANS) this.outbound.push(span);
    else this.outboundLeftOut++;
  }
}
