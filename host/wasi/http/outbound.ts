import type { OutboundHttp, OutboundRequest, OutboundResponse } from '../context.ts';
import { isPublicAddress } from './address-policy.ts';
import { AllowedHosts, type Destination, defaultPort } from './allowed-hosts.ts';
import { OutboundError } from './error-code.ts';
import { exchange } from './outbound-exchange.ts';
import type { OutboundPool } from './outbound-pool.ts';

export interface OutboundOptions {
  /** Patterns of `FunctionConfiguration.allowedHosts`. An empty list denies everything. */
  readonly allowedHosts: readonly string[];
  /** Of the function's tenant. */
  readonly pool: OutboundPool;
}

/**
 * Outbound HTTP of one function. Rejects with an {@link OutboundError}: `HTTP-request-denied` for a host that
 * the list does not allow, `destination-IP-prohibited` for one that is not public and not named in the list.
 * Redirects are the guest's business: each of them is another request that has to pass.
 */
export function createOutbound(options: OutboundOptions): OutboundHttp {
  const allowedHosts = new AllowedHosts(options.allowedHosts);
  return {
    // Async, so that what is refused at once rejects as well.
    async send(request: OutboundRequest, signal: AbortSignal): Promise<OutboundResponse> {
      const destination = parseDestination(request);
      const permission = allowedHosts.permission(destination);
      if (permission === 'denied') throw new OutboundError({ tag: 'HTTP-request-denied' });
      // A literal address never reaches the resolver, so it is checked here; a name where it is connected.
      if (permission === 'public-only' && isLiteralAddress(destination.host)) {
        if (!isPublicAddress(destination.host.replace(/^\[|\]$/g, ''))) {
          throw new OutboundError({ tag: 'destination-IP-prohibited' });
        }
      }
      const agent = permission === 'named' ? options.pool.named : options.pool.publicOnly;
      return exchange(agent, originOf(destination), request, signal);
    },
  };
}

/** `host`, `host:port`, `[v6]`, `[v6]:port`; no user information, no path, nothing that a parser could skip. */
const AUTHORITY = /^(?:\[[0-9a-fA-F:.]+\]|[^\s/?#@:[\]\\\p{Cc}]+)(?::[0-9]{0,5})?$/u;

function parseDestination(request: OutboundRequest): Destination {
  const url = AUTHORITY.test(request.authority)
    ? URL.parse(`${request.scheme}://${request.authority}`)
    : null;
  if (url === null || url.hostname === '') throw new OutboundError({ tag: 'HTTP-request-URI-invalid' });
  return {
    scheme: request.scheme,
    host: url.hostname.replace(/\.$/, ''),
    port: url.port === '' ? defaultPort(request.scheme) : Number(url.port),
  };
}

function isLiteralAddress(host: string): boolean {
  return host.startsWith('[') || /^[0-9.]+$/.test(host);
}

function originOf({ scheme, host, port }: Destination): string {
  return port === defaultPort(scheme) ? `${scheme}://${host}` : `${scheme}://${host}:${port}`;
}
