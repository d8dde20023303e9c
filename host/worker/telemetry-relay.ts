/** Gathers what this thread tells of itself, and sends it on in batches. Where nothing is traced or refused, that is next to nothing. */
import type { ErrorCode } from '../errors.ts';
import type { LiveFunction } from '../model/function-version.ts';
import type { InvocationSpan } from '../model/invocation-span.ts';
import type { RefusalCount, SlotUse, ThreadTelemetry } from '../model/thread-telemetry.ts';

/** How long a span waits on its thread, and how many do. */
const WINDOW_MS = 200;
const WINDOW_SPANS = 500;

export interface TelemetryRelayPorts {
  readonly send: (news: ThreadTelemetry) => void;
  readonly slots: () => SlotUse;
}

export class TelemetryRelay {
  readonly #ports: TelemetryRelayPorts;
  #spans: InvocationSpan[] = [];
  #refusals = new Map<LiveFunction, Map<ErrorCode, number>>();
  #timer: NodeJS.Timeout | undefined;
  #toldSlots = '';

  constructor(ports: TelemetryRelayPorts) {
    this.#ports = ports;
  }

  addSpan(span: InvocationSpan): void {
    if (this.#spans.push(span) >= WINDOW_SPANS) this.flush();
    else this.#later();
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
    if (this.#spans.length === 0 && this.#refusals.size === 0 && textOf(slots) === this.#toldSlots) return;
    this.#ports.send({ spans: this.#spans, refusals: listed(this.#refusals), slots });
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
