/** Gathers what this thread tells of itself, and sends it on in batches. Where nothing is traced or refused, that is next to nothing. */
import type { ErrorCode } from '../errors/errors.ts';
import { GUEST_SPANS } from '../limits/limits.ts';
import { type EndedInvocation, spanOf } from '../model/ended-invocation.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { TenantName } from '../model/ids.ts';
import type { InvocationSpan } from '../model/invocation-span.ts';
import { isPlain, SpanBatchWriter } from '../model/span-batch.ts';
import type { RefusalCount, SlotUse, ThreadTelemetry } from '../model/thread-telemetry.ts';

/** How long a span waits on its thread, and how many do. */
const WINDOW_MS = 200;
const WINDOW_SPANS = 500;
/** What a tenant's guests have added to their spans within a window. */
interface GuestShare {
  spans: number;
  bytes: number;
}

export interface TelemetryRelayPorts {
  readonly send: (news: ThreadTelemetry) => void;
  readonly slots: () => SlotUse;
}

export class TelemetryRelay {
  readonly #ports: TelemetryRelayPorts;
  readonly #batch = new SpanBatchWriter(WINDOW_SPANS);
  #spans: InvocationSpan[] = [];
  /** By tenant: whoever adds more than a share keeps nobody else's from being told. */
  #shares = new Map<TenantName, GuestShare>();
  #sharesUntilMs = 0;
  #refusals = new Map<LiveFunction, Map<ErrorCode, number>>();
  #timer: NodeJS.Timeout | undefined;
  #toldSlots = '';

  constructor(ports: TelemetryRelayPorts) {
    this.#ports = ports;
  }

  /** One that has more to say than a batch holds is told whole. */
  add(invocation: EndedInvocation): void {
    if (!isPlain(invocation)) this.addSpan(spanOf(invocation));
    else {
      this.#batch.append(invocation);
      if (this.#batch.isFull) this.flush();
      else this.#later();
    }
  }

  addSpan(span: InvocationSpan): void {
    const fair = span.guestSpans.length === 0 ? span : this.#withinShare(span);
    if (this.#spans.push(fair) >= WINDOW_SPANS) this.flush();
    else this.#later();
  }

  #withinShare(span: InvocationSpan): InvocationSpan {
    const { tenant, guestSpans, guestSpansLeftOut } = span;
    const nowMs = performance.now();
    if (nowMs >= this.#sharesUntilMs) {
      this.#shares = new Map();
      this.#sharesUntilMs = nowMs + WINDOW_MS;
    }
    const share = this.#shares.get(tenant) ?? { spans: 0, bytes: 0 };
    const bytes = guestSpans.reduce((sum, each) => sum + each.bytes, share.bytes);
    // All or none of an invocation: half a tree would hang in the air.
    if (share.spans + guestSpans.length > GUEST_SPANS.perInvocation || bytes > GUEST_SPANS.bytes) {
      const outbound = span.outbound.map((request) => ({ ...request, parentSpanId: span.spanId }));
      return { ...span, outbound, guestSpans: [], guestSpansLeftOut: guestSpansLeftOut + guestSpans.length };
    }
    this.#shares.set(tenant, { spans: share.spans + guestSpans.length, bytes });
    return span;
  }

  countRefusal(live: LiveFunction, code: ErrorCode): void {
    const counts = this.#refusals.get(live) ?? new Map<ErrorCode, number>();
    this.#refusals.set(live, counts.set(code, (counts.get(code) ?? 0) + 1));
    this.#later();
  }

  /** Tells how many slots there are if that is news. */
  noteSlots(): void {
    if (textOf(this.#ports.slots()) !== this.#toldSlots) this.flush();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const { idle, busy, idleBytes } = this.#ports.slots();
    const slots = { idle, busy, idleBytes };
    const hasSpans = this.#spans.length > 0 || !this.#batch.isEmpty;
    if (!hasSpans && this.#refusals.size === 0 && textOf(slots) === this.#toldSlots) return;
    const batch = this.#batch.isEmpty ? undefined : this.#batch.take();
    this.#ports.send({ spans: this.#spans, batch, refusals: listed(this.#refusals), slots });
    this.#spans = [];
    this.#refusals = new Map();
    this.#toldSlots = textOf(slots);
  }

  #later(): void {
    this.#timer ??= setTimeout(() => this.flush(), WINDOW_MS);
  }
}

function textOf({ idle, busy, idleBytes }: SlotUse): string {
  return `${idle} ${busy} ${idleBytes}`;
}

function listed(refusals: ReadonlyMap<LiveFunction, ReadonlyMap<ErrorCode, number>>): RefusalCount[] {
  return [...refusals].flatMap(([{ tenant, name }, counts]) =>
    [...counts].map(([code, count]) => ({ tenant, name, code, count })),
  );
}
