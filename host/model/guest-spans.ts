/**
 * The spans that one invocation opens and ends.
 *
 * 1. The ids that a guest gives are names within its invocation. What leaves the host has ids of the host's making: whatever a guest knows of
 *    the ids of others in its trace, it can say nothing under them.
 * 2. A span's parent is a span of the same invocation, or the invocation.
 * 3. When a span began and ended is when the guest said so, by the host's clock.
 * 4. At most GUEST_SPANS.perInvocation spans are opened and GUEST_SPANS.bytes kept; everything else is counted (`leftOut`).
 */
import { GUEST_SPANS } from '../limits/limits.ts';
import type { GuestSpan, GuestSpanContent } from './guest-span.ts';

interface Opened {
  readonly spanId: string;
  readonly startMs: number;
}

export interface GuestSpansPorts {
  readonly newSpanId: () => string;
  readonly nowMs: () => number;
}

export class GuestSpans {
  readonly ended: GuestSpan[] = [];
  readonly #ports: GuestSpansPorts;
  /** By the guest's ids: all that were opened. */
  readonly #opened = new Map<string, Opened>();
  /** The guest's ids of those that have not ended, in the order in which they were opened. */
  readonly #open: string[] = [];
  #bytes = 0;
  #starts = 0;
  #ends = 0;

  constructor(ports: GuestSpansPorts) {
    this.#ports = ports;
  }

  /** @param isOwn whether it is said to belong to the invocation's trace */
  start(guestId: string, isOwn: boolean): void {
    this.#starts++;
    if (!isOwn || this.#opened.has(guestId) || this.#opened.size >= GUEST_SPANS.perInvocation) return;
    this.#opened.set(guestId, { spanId: this.#ports.newSpanId(), startMs: this.#ports.nowMs() });
    this.#open.push(guestId);
  }

  /** @param content asked for only if there is room for the span */
  end(guestId: string, parentGuestId: string, content: () => GuestSpanContent): void {
    this.#ends++;
    const at = this.#open.indexOf(guestId);
    if (at < 0) return;
    this.#open.splice(at, 1);
    const { spanId, startMs } = this.#opened.get(guestId)!;
    const said = content();
    if (this.#bytes + said.bytes > GUEST_SPANS.bytes) return;
    this.#bytes += said.bytes;
    const endMs = this.#ports.nowMs();
    const events = said.events.map((event) => ({
      ...event,
      atMs: Math.min(Math.max(event.atMs, startMs), endMs),
    }));
    const parent = parentGuestId === guestId ? undefined : this.#opened.get(parentGuestId);
    this.ended.push({ ...said, events, spanId, parentSpanId: parent?.spanId, startMs, endMs });
  }

  /** The guest's id of the span that was opened last and has not ended. */
  get current(): string | undefined {
    return this.#open.at(-1);
  }

  /** The id under which a span of this guest is known outside; undefined for what is none of its. */
  outwardId(guestId: string): string | undefined {
    return this.#opened.get(guestId)?.spanId;
  }

  /** Of what was opened or ended, the larger number, those that are not kept. */
  get leftOut(): number {
    return Math.max(this.#starts, this.#ends) - this.ended.length;
  }

  /** The spans that leave the host. One that never ended has no name and is none of them: what hangs below it hangs below the invocation. */
  finished(): { readonly spans: readonly GuestSpan[]; readonly ids: ReadonlySet<string> } {
    const ids = new Set(this.ended.map(({ spanId }) => spanId));
    const isKept = (id: string | undefined): boolean => id !== undefined && ids.has(id);
    const spans = this.ended.map((span) =>
      isKept(span.parentSpanId) ? span : { ...span, parentSpanId: undefined },
    );
    return { spans, ids };
  }
}
