/**
 * Outbound HTTP under a quota: each request and each byte of a body is counted, and what is over fails in the guest
 * with `connection-limit-reached`. A request that is refused reaches no pool, no resolver and no network.
 */
import type { OutboundHttp } from '../context.ts';
import type { ByteSource } from '../io/bytes.ts';
import { OutboundError } from './error-code.ts';

export interface OutboundMeter {
  /** Counts a request; false if it is one too many. */
  takeRequest(): boolean;
  /** Counts bytes of a body; false if they are too many. */
  takeBytes(bytes: number, direction: 'sent' | 'received'): boolean;
}

export function meteredOutbound(outbound: OutboundHttp, meter: OutboundMeter): OutboundHttp {
  return {
    async send(request, signal) {
      if (!meter.takeRequest()) throw overQuota();
      const body = request.body && meteredSource(request.body, meter, 'sent');
      const response = await outbound.send({ ...request, body }, signal);
      return { ...response, body: meteredSource(response.body, meter, 'received') };
    },
  };
}

function meteredSource(source: ByteSource, meter: OutboundMeter, direction: 'sent' | 'received'): ByteSource {
  return {
    read(maxBytes) {
      const chunk = source.read(maxBytes);
      if (chunk === 'end' || chunk.length === 0 || meter.takeBytes(chunk.length, direction)) return chunk;
      source.close();
      throw overQuota();
    },
    isReady: () => source.isReady(),
    ready: () => source.ready(),
    close: () => source.close(),
  };
}

function overQuota(): OutboundError {
  return new OutboundError({ tag: 'connection-limit-reached' });
}
