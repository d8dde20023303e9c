/**
 * The allow-list of outbound hosts, as `model/function-configuration.ts` documents it: `example.com`,
 * `*.example.com` (any depth of subdomain, not the domain itself), `[::1]`, each with an optional `:port`, or
 * `*` for every public host. Without a port, 80 for http and 443 for https.
 */

/** Where a request goes, after the URL parser has normalised it (`0x7f.1` is `127.0.0.1` by then). */
export interface Destination {
  readonly scheme: 'http' | 'https';
  /** Lower case, IPv6 in brackets, no trailing dot. */
  readonly host: string;
  readonly port: number;
}

/** `named`: that very host is in the list, so even an address of the operator's network is meant. */
export type Permission = 'denied' | 'public-only' | 'named';

interface Pattern {
  readonly kind: 'any' | 'suffix' | 'exact';
  readonly host: string;
  readonly port: number | undefined;
}

const PATTERN = /^(\*|\[[^\]]*\]|[^:]+)(?::([0-9]{1,5}))?$/;

export class AllowedHosts {
  readonly #patterns: readonly Pattern[];

  constructor(allowedHosts: readonly string[]) {
    this.#patterns = allowedHosts.map(parsePattern);
  }

  permission(destination: Destination): Permission {
    let permission: Permission = 'denied';
    for (const pattern of this.#patterns) {
      if (!matches(pattern, destination)) continue;
      if (pattern.kind === 'exact') return 'named';
      permission = 'public-only';
    }
    return permission;
  }
}

export function defaultPort(scheme: 'http' | 'https'): number {
  return scheme === 'https' ? 443 : 80;
}

function parsePattern(text: string): Pattern {
  const match = PATTERN.exec(text.toLowerCase());
  // The configuration's schema has let it through; a pattern that cannot match anything denies.
  if (match === null) return { kind: 'exact', host: '', port: undefined };
  const [, host = '', port] = match;
  const portNumber = port === undefined ? undefined : Number(port);
  if (host === '*') return { kind: 'any', host, port: portNumber };
  if (host.startsWith('*.')) return { kind: 'suffix', host: host.slice(1), port: portNumber };
  return { kind: 'exact', host: normaliseHost(host), port: portNumber };
}

/** The host as the URL parser writes it, so that `[0:0::1]` in the list names `[::1]`. */
function normaliseHost(host: string): string {
  const url = URL.parse(`http://${host}`);
  return (url?.hostname ?? host).replace(/\.$/, '');
}

function matches(pattern: Pattern, { scheme, host, port }: Destination): boolean {
  // `*` alone means every public host on every port: whoever opens all hosts gains nothing by ports.
  if (pattern.kind === 'any') return pattern.port === undefined || pattern.port === port;
  if (port !== (pattern.port ?? defaultPort(scheme))) return false;
  return pattern.kind === 'suffix' ? host.endsWith(pattern.host) : host === pattern.host;
}
