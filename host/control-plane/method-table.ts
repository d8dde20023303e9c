/** Which methods a path has, for `405` and its `Allow` header (RFC 9110 section 15.5.6). */
import type { ControlPlaneApp } from './route-parts.ts';

interface PathMethods {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}

/** Derived from the routes as they are registered, so it cannot disagree with them. */
export class MethodTable {
  readonly #paths: readonly PathMethods[];

  constructor(app: ControlPlaneApp) {
    const routes = app.openAPIRegistry.definitions.flatMap((entry) =>
      entry.type === 'route' ? [entry.route] : [],
    );
    const byPath = Map.groupBy(routes, (route) => route.path);
    this.#paths = [...byPath].map(([path, some]) => ({
      pattern: toPattern(path),
      methods: some
        .flatMap(({ method }) => (method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()]))
        .sort(),
    }));
  }

  /** Methods of the route at `path`; none where there is no such route. */
  allowed(path: string): readonly string[] {
    return this.#paths.find(({ pattern }) => pattern.test(path))?.methods ?? [];
  }
}

/** `/a/{b}` -> `^/a/[^/]+$` */
function toPattern(path: string): RegExp {
  const segments = path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '[^/]+' : RegExp.escape(segment)));
  return new RegExp(`^${segments.join('/')}$`);
}
