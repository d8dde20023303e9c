/**
 * The trace that an invocation belongs to, from the head of its request to its end.
 *
 * 1. What it causes (outbound requests, messages, log lines) carries `context`, whether or not it is recorded.
 * 2. Only a recorded one keeps anything, and at most OUTBOUND_SPANS requests of it.
 */
import type { OutboundSpan } from './invocation-span.ts';
import type { TraceContext } from './trace-context.ts';

/** A guest that fetches in a loop fills its own trace, not the host's memory. */
const OUTBOUND_SPANS = 64;

export interface InvocationTraceOptions {
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly isRecorded: boolean;
  readonly newSpanId: () => string;
  readonly nowMs: () => number;
}

export class InvocationTrace {
  /** Of the invocation where it is recorded; else its cause's. */
  readonly context: TraceContext;
  readonly parent: TraceContext | undefined;
  readonly isRecorded: boolean;
  readonly #options: InvocationTraceOptions;
  readonly outbound: OutboundSpan[] = [];
  outboundLeftOut = 0;

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

  nowMs(): number {
    return this.#options.nowMs();
  }

  /** What a request of the guest carries on; a span of its own where the trace is recorded. */
  child(): TraceContext {
    return this.isRecorded ? { ...this.context, spanId: this.#options.newSpanId() } : this.context;
  }

  addOutbound(span: OutboundSpan): void {
    if (!this.isRecorded) return;
    if (this.outbound.length < OUTBOUND_SPANS) this.outbound.push(span);
    else this.outboundLeftOut++;
  }
}
