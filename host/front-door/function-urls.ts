/** Function URLs: `/fn/{tenant}/{name}/*`, any method. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { MayflyError } from '../errors/errors.ts';
import { asFunctionName, asTenantName, type FunctionName, type TenantName } from '../model/ids.ts';
import type { UrlPolicy } from './call.ts';
import { sendProblem } from './exchange.ts';
import type { Invoker } from './invoker.ts';
import { isFunctionsHost } from './shared-origin.ts';

/**
 * The function sees the path below its own name, byte for byte as the caller sent it; so it is cut out of the raw
 * target, not out of a normalised URL.
 */
const TARGET = /^(?:https?:\/\/[^/]*)?\/fn\/([^/?#]*\/[^/?#]*)(\/[^?#]*)?(\?[^#]*)?/;

/** The policy says what else. */
const NOTHING_HIDDEN: ReadonlySet<string> = new Set();

/** Whom a target names. */
interface Callee {
  readonly tenant: TenantName;
  readonly name: FunctionName;
  readonly scriptName: string;
}

/** Callees kept per thread, 0.3 KiB each; beyond, all are made anew: callers may name functions that there are not. */
const MAX_CALLEES = 10_000;

export class FunctionUrls {
  /**
   * By what the target has between `/fn/` and the path. A name that was cut out of a target is new to V8: to look one up takes 0.25 µs
   * wherever it is first looked up, so it is done once, and whoever comes after gets names that are known. They keep no target alive: V8 has a
   * copy of its own of each key.
   */
  readonly #callees = new Map<string, Callee>();
  readonly #invoker: Invoker;
  readonly #policy: UrlPolicy;
  readonly #functionsHost: string | undefined;

  /** @param functionsHost the name (and port) that is kept for functions, as a `Host` header has it */
  constructor(invoker: Invoker, policy: UrlPolicy, functionsHost?: string) {
    this.#invoker = invoker;
    this.#policy = policy;
    this.#functionsHost = functionsHost;
  }

  /** Answers the request itself, whatever happens; resolves once the invocation is over. */
  serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const [, address = '', path = '/', query = ''] = TARGET.exec(incoming.url ?? '') ?? [];
    const callee = this.#callees.get(address) ?? this.#calleeAt(address);
    if (callee === undefined) {
      const error = new MayflyError('route_not_found', 'Functions answer under /fn/{tenant}/{name}/.');
      sendProblem(incoming, outgoing, error, []);
      return Promise.resolve();
    }
    return this.#invoker.call(
      {
        tenant: callee.tenant,
        name: callee.name,
        trigger: 'http',
        method: incoming.method ?? 'GET',
        pathWithQuery: path + query,
        scriptName: callee.scriptName,
        hidden: NOTHING_HIDDEN,
        url: this.#policy,
        isSandboxed: !isFunctionsHost(this.#functionsHost, incoming.headers.host),
      },
      incoming,
      outgoing,
    );
  }

  /** Undefined where that is nobody's address. */
  #calleeAt(address: string): Callee | undefined {
    const [tenantText = '', nameText = ''] = address.split('/');
    const tenant = asTenantName(tenantText);
    const name = asFunctionName(nameText);
    if (tenant === undefined || name === undefined) return undefined;
    const callee = { tenant, name, scriptName: `/fn/${tenant}/${name}` };
    if (this.#callees.size === MAX_CALLEES) this.#callees.clear();
    this.#callees.set(address, callee);
    return callee;
  }
}

/** Characters that mean themselves in a URL: nothing encoded, nothing that a parser of URLs would change. */
const PLAIN_TARGET = /^\/fn\/[!$&-;=?-[\]_a-z~]*$/;
const DOT_SEGMENT = /\/\.\.?(?:[/?]|$)/;
const PLAIN_HOST = /^[a-z0-9][a-z0-9.-]*(?::[0-9]{1,5})?$/;

/**
 * Whether a request can be served without being made a `Request` and routed: it has no body to be cleaned up after, and
 * no reader of its target or of its host could take it for anything but a function's URL. That spares
 * 11 to 37 µs of processor time, on a busy machine (docs/decisions/0011-plain-calls.md); what is not as plain goes through Hono.
 */
export function isPlainFunctionCall({ headers, url }: IncomingMessage): boolean {
  return (
    headers['content-length'] === undefined &&
    headers['transfer-encoding'] === undefined &&
    url !== undefined &&
    PLAIN_TARGET.test(url) &&
    !DOT_SEGMENT.test(url) &&
    PLAIN_HOST.test(headers.host ?? '')
  );
}
