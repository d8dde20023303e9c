/** W3C Trace Context: who caused a call, as `traceparent` and `tracestate` say it. */

export interface TraceContext {
  /** 32 hex digits, not all zero. */
  readonly traceId: string;
  /** 16 hex digits, not all zero. */
  readonly spanId: string;
  readonly isSampled: boolean;
  /** Of other vendors, passed on as it came. */
  readonly tracestate?: string;
}

/** Trace Context, section 3.3.1.1: what a participant has to pass on at least; more is dropped whole. */
const TRACESTATE_LENGTH = 512;

/** Version, trace, span, flags; versions above 0 may have more behind them. */
const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ALL_ZERO = /^0+$/;
const SAMPLED = 1;

/** Undefined for what is missing or malformed, and for the `tracestate` that comes with it: a new trace begins then. */
export function parseTraceContext(
  traceparent: string | undefined,
  tracestate?: string,
): TraceContext | undefined {
  if (traceparent === undefined) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  if (ALL_ZERO.test(traceId) || ALL_ZERO.test(spanId)) return undefined;
  const isSampled = (Number.parseInt(flags, 16) & SAMPLED) !== 0;
  const keeps = tracestate !== undefined && tracestate !== '' && tracestate.length <= TRACESTATE_LENGTH;
  return { traceId, spanId, isSampled, ...(keeps ? { tracestate } : {}) };
}

export function traceparentOf({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
