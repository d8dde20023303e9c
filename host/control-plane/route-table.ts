/**
 * What the control plane serves, derived from the routes as they are registered, so it cannot disagree with them:
 * which methods a path has, for `405` and its `Allow` header (RFC 9110 section 15.5.6), whom a route lets in, and
 * whether it takes JSON.
 *
 * Invariants:
 *  1. Every route says what it needs: the table is not made of one that does not, so no host starts with it.
 *  2. A request below /v1 that matches nothing here runs no handler (see app.ts).
 */
import type { ControlPlaneApp } from './route-parts.ts';
import { isNeed, type Need, SECURITY_SCHEME } from './scopes.ts';

export interface RouteEntry {
  readonly method: string;
  readonly path: string;
  /** Undefined for what anybody may ask. */
  readonly need: Need | undefined;
  readonly takesJson: boolean;
}

interface PathEntry {
  readonly pattern: RegExp;
  readonly routes: readonly RouteEntry[];
}

/** A route as its description says it; more of it is nobody's business here. */
interface DescribedRoute {
  readonly method: string;
  readonly path: string;
  readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly request?: { readonly body?: { readonly content: object } };
}

export class RouteTable {
  readonly #paths: readonly PathEntry[];

  /** @throws RangeError for a route that does not say what it needs */
  constructor(app: ControlPlaneApp) {
    const routes = app.openAPIRegistry.definitions.flatMap((entry) =>
      entry.type === 'route' ? [toEntry(entry.route as DescribedRoute)] : [],
    );
    const byPath = Map.groupBy(routes, (route) => route.path);
    this.#paths = [...byPath].map(([path, some]) => ({ pattern: toPattern(path), routes: some }));
  }

  get routes(): readonly RouteEntry[] {
    return this.#paths.flatMap((entry) => entry.routes);
  }

  find(method: string, path: string): RouteEntry | undefined {
    const wanted = method === 'HEAD' ? 'GET' : method;
    return this.#at(path).find((route) => route.method === wanted);
  }

  /** Methods of the route at `path`, sorted; none where there is no such route. */
  allowed(path: string): readonly string[] {
    return this.#at(path)
      .flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
      .sort();
  }

  #at(path: string): readonly RouteEntry[] {
    return this.#paths.find(({ pattern }) => pattern.test(path))?.routes ?? [];
  }
}

function toEntry({ method, path, security, request }: DescribedRoute): RouteEntry {
  const name = `${method.toUpperCase()} ${path}`;
  if (security === undefined) throw new RangeError(`${name} does not say what a key needs to call it`);
  const need = security[0]?.[SECURITY_SCHEME]?.[0];
  if (security.length > 0 && !isNeed(need)) throw new RangeError(`${name} needs what no key has: ${need}`);
  if (need === undefined && path.startsWith('/v1/')) throw new RangeError(`${name} is open to anybody`);
  if (need === 'any' && path.startsWith('/v1/tenants'))
    throw new RangeError(`${name} belongs to tenants, and is open to every key`);
  // Whoever lacks a tenant in the path cannot be told from another tenant.
  if (
    need !== 'operator' &&
    need !== 'any' &&
    path.startsWith('/v1/') &&
    !path.startsWith('/v1/tenants/{tenant}')
  )
    throw new RangeError(`${name} belongs to no tenant, so that only the operator may call it`);
  return {
    method: method.toUpperCase(),
    path,
    need: isNeed(need) ? need : undefined,
    takesJson: Object.hasOwn(request?.body?.content ?? {}, 'application/json'),
  };
}

/** `/a/{b}` -> `^/a/[^/]+$` */
function toPattern(path: string): RegExp {
  const segments = path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '[^/]+' : RegExp.escape(segment)));
  return new RegExp(`^${segments.join('/')}$`);
}
