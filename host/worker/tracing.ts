/** Which invocations are recorded, and the ids of their spans. One per serving thread. */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { type HandedTrace, InvocationTrace } from '../model/invocation-trace.ts';
import type { TraceContext } from '../model/trace-context.ts';
import type { TraceSampling } from '../model/trace-sampling.ts';

/**
 * Ids are cut from random bytes that are fetched, and written in hexadecimal, for 500 of them at a time: 0.03 µs each; 1 where they are
 * fetched one by one, 0.3 where they are written one by one.
 */
const POOL_BYTES = 8 * 1024;
const ZERO = '0'.charCodeAt(0);

export class Tracing {
  readonly #sampling: TraceSampling;
  readonly #samples: (traceId: string) => boolean;
  #pool = '';
  #taken = 0;
  readonly newSpanId = (): string => this.#newId(16);

  constructor(sampling: TraceSampling) {
    this.#sampling = sampling;
    this.#samples = rootSampler(sampling);
  }

  /** Undefined where there is nothing to pass on: nobody traces here, and the caller said nothing. */
  begin(parent: TraceContext | undefined): InvocationTrace | undefined {
    const { isOn, isParentBased } = this.#sampling;
    if (!isOn) return parent && this.#passOn(parent);
    const traceId = parent?.traceId ?? this.#newId(32);
    const isSampled = parent !== undefined && isParentBased ? parent.isSampled : this.#samples(traceId);
    // An unsampled caller's span stays the one that everything below hangs on: there is none of ours.
    if (!isSampled && parent !== undefined) return this.#passOn({ ...parent, isSampled });
    const { tracestate } = parent ?? {};
    const spanId = this.#newId(16);
    const context = { traceId, spanId, isSampled, ...(tracestate === undefined ? {} : { tracestate }) };
    return this.#trace(context, parent, isSampled);
  }

  /** One that was begun elsewhere. */
  resume({ context, parent, isRecorded }: HandedTrace): InvocationTrace {
    return isRecorded ? this.#trace(context, parent, true) : this.#passOn(context);
  }

  #passOn(parent: TraceContext): InvocationTrace {
    return this.#trace(parent, parent, false);
  }

  #trace(context: TraceContext, parent: TraceContext | undefined, isRecorded: boolean): InvocationTrace {
    return new InvocationTrace({ context, parent, isRecorded, newSpanId: this.newSpanId, nowMs: epochMs });
  }

  #newId(digits: number): string {
    if (this.#taken + digits > this.#pool.length) {
      this.#pool = randomBytes(POOL_BYTES).toString('hex');
      this.#taken = 0;
    }
    const id = this.#pool.slice(this.#taken, this.#taken + digits);
    this.#taken += digits;
    // All zero is no id; it comes once in 2^64.
    return id.charCodeAt(0) === ZERO && /^0+$/.test(id) ? this.#newId(digits) : id;
  }
}

/**
 * The SDK's own sampler decides by a ratio. It is loaded where one is set: its 130 modules are a fifth of what a serving thread would
 * load, and most hosts sample all or nothing.
 */
function rootSampler({ ratio }: TraceSampling): (traceId: string) => boolean {
  if (ratio >= 1) return () => true;
  if (ratio <= 0) return () => false;
  const require = createRequire(import.meta.url);
  const sdk = require('@opentelemetry/sdk-trace') as typeof import('@opentelemetry/sdk-trace');
  const sampler = new sdk.TraceIdRatioBasedSampler(ratio);
  return (traceId) =>
    sampler.shouldSample(undefined, traceId).decision === sdk.SamplingDecision.RECORD_AND_SAMPLED;
}

/** With fractions of a millisecond, and never stepping back within a trace of this thread. */
function epochMs(): number {
  return performance.timeOrigin + performance.now();
}
