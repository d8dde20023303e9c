/**
 * The connections of one tenant to the outside, shared by its functions. Owned by the caller, who closes it.
 *
 * 1. A connection of `publicOnly` leads to an address that `address-policy.ts` calls public: what the resolver
 *    answers is checked where the socket connects, so an answer that changes later (DNS rebinding) is checked
 *    as well, and a name cannot be resolved twice with different results.
 * 2. Connections of `named` may lead anywhere. The two never share a socket: otherwise a function whose list
 *    says `*` could ride on a connection that another function of the tenant opened to a host it names.
 */
import { type LookupAddress, type LookupOptions, lookup as systemLookup } from 'node:dns';
import { Agent } from 'undici';
import { isPublicAddress } from './address-policy.ts';
import { OutboundError } from './error-code.ts';

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** The shape of `dns.lookup` that sockets call; injected, so that no test asks a real resolver. */
export type Lookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void;

export interface OutboundPoolOptions {
  readonly lookup?: Lookup;
  /** Trusted certificate authorities in PEM, instead of Node's own. */
  readonly certificateAuthorities?: string;
  /** Open connections to one origin at the same time; more requests wait. */
  readonly connectionsPerOrigin?: number;
}

export interface OutboundPool {
  readonly publicOnly: Agent;
  readonly named: Agent;
  /** Ends all connections, also those in use. */
  close(): Promise<void>;
}

/** Enough for a function at its default concurrency of 100, and far below the descriptors of a process. */
const DEFAULT_CONNECTIONS_PER_ORIGIN = 128;
/** Idle origins beyond this are refused new pools by undici; a guest must not grow the map without bound. */
const MAX_ORIGINS = 1_024;
/** The most that a guest may have configured for its own responses (FUNCTION_LIMITS.headerBytes.ceiling). */
const MAX_RESPONSE_HEADER_BYTES = 64 * 1024;
/** Unless the guest asks for less. */
export const MAX_CONNECT_TIMEOUT_MS = 30_000;

export function createOutboundPool(options: OutboundPoolOptions = {}): OutboundPool {
  const lookup: Lookup = options.lookup ?? (systemLookup as Lookup);
  const publicOnly = createAgent(options, checkedLookup(lookup));
  const named = createAgent(options, lookup);
  return {
    publicOnly,
    named,
    async close() {
      await Promise.all([publicOnly.destroy(), named.destroy()]);
    },
  };
}

function createAgent(options: OutboundPoolOptions, lookup: Lookup): Agent {
  return new Agent({
    connections: options.connectionsPerOrigin ?? DEFAULT_CONNECTIONS_PER_ORIGIN,
    maxOrigins: MAX_ORIGINS,
    pipelining: 1,
    allowH2: false,
    maxHeaderSize: MAX_RESPONSE_HEADER_BYTES,
    // outbound-exchange.ts keeps the times, to the millisecond and in WASI's own terms.
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: {
      timeout: MAX_CONNECT_TIMEOUT_MS,
      lookup: lookup as never,
      ...(options.certificateAuthorities === undefined ? {} : { ca: options.certificateAuthorities }),
    },
  });
}

/** Leaves the public addresses of an answer; an answer without any is `destination-IP-prohibited`. */
export function checkedLookup(lookup: Lookup): Lookup {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, answer, family) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const addresses = typeof answer === 'string' ? [{ address: answer, family: family ?? 4 }] : answer;
      const allowed = addresses.filter(({ address }) => isPublicAddress(address));
      const [first] = allowed;
      if (first === undefined) callback(new OutboundError({ tag: 'destination-IP-prohibited' }), []);
      else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}
