/** Timeouts of `request-options` in nanoseconds, as both versions of wasi:http keep them. */
import type { OutboundRequest } from '../context.ts';

export interface Timeouts {
  connectNs: bigint | undefined;
  firstByteNs: bigint | undefined;
  betweenBytesNs: bigint | undefined;
}

export const NO_TIMEOUTS: Readonly<Timeouts> = {
  connectNs: undefined,
  firstByteNs: undefined,
  betweenBytesNs: undefined,
};

type OutboundTimeouts = Pick<
  OutboundRequest,
  'connectTimeoutMs' | 'firstByteTimeoutMs' | 'betweenBytesTimeoutMs'
>;

export function toOutboundTimeouts(timeouts: Readonly<Timeouts>): OutboundTimeouts {
  return {
    connectTimeoutMs: toMs(timeouts.connectNs),
    firstByteTimeoutMs: toMs(timeouts.firstByteNs),
    betweenBytesTimeoutMs: toMs(timeouts.betweenBytesNs),
  };
}

/** Rounded up, so that no timeout becomes 0 that was not. */
function toMs(durationNs: bigint | undefined): number | undefined {
  return durationNs === undefined ? undefined : Number((durationNs + 999_999n) / 1_000_000n);
}
