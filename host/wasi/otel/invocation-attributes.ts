/** `mayfly:telemetry/invocation`: what the guest says of its invocation's own span. */
import { GUEST_SPANS } from '../../limits/limits.ts';
import type { WasiContext } from '../context.ts';
import { takeAttributes, type WitKeyValue } from './guest-attributes.ts';

export function createInvocationAttributes({ trace }: WasiContext): Record<string, unknown> {
  let bytes = 0;
  return {
    setAttributes(pairs: readonly WitKeyValue[]): void {
      if (!trace?.isRecorded) return;
      const taken = takeAttributes(pairs);
      trace.attributesLeftOut += taken.leftOut;
      const all = new Map(trace.attributes);
      for (const [key, value] of taken.attributes) {
        if (all.size < GUEST_SPANS.attributes || all.has(key)) all.set(key, value);
        else trace.attributesLeftOut++;
      }
      bytes += taken.bytes;
      if (bytes > GUEST_SPANS.bytes) trace.attributesLeftOut += taken.attributes.length;
      else trace.attributes = [...all];
    },
  };
}
