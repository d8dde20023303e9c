import type { OutboundHttp } from '../context.ts';
import { meteredOutbound } from './metered-outbound.ts';

/** What one invocation did of outbound HTTP. */
export interface OutboundUse {
  /** Refused ones included. */
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

export const NO_OUTBOUND_USE: OutboundUse = { requests: 0, sentBytes: 0, receivedBytes: 0 };

/** Counts what passes, and refuses nothing. */
export class CountedOutbound implements OutboundHttp, OutboundUse {
  requests = 0;
  sentBytes = 0;
  receivedBytes = 0;
  readonly send: OutboundHttp['send'];

  constructor(outbound: OutboundHttp) {
    const { send } = meteredOutbound(outbound, {
      takeRequest: () => {
        this.requests++;
        return true;
      },
      takeBytes: (bytes, direction) => {
        if (direction === 'sent') this.sentBytes += bytes;
        else this.receivedBytes += bytes;
        return true;
      },
    });
    this.send = send;
  }
}
