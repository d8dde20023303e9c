/**
 * What a function's source imports from `mayfly`: types alone, so that nothing of it ends up in the component.
 *
 * ```ts
 * import type { Handler } from 'mayfly';
 *
 * export default {
 *   fetch: (request, env) => Response.json({ hello: env['NAME'] ?? 'world', url: request.url }),
 * } satisfies Handler;
 * ```
 *
 * `Request`, `Response` and the other web classes are globals. The editor takes their types from the author's own
 * `lib` (`dom`, or `@types/node`); README.md beside this file lists the part of them that exists in a function.
 */

/** The function's environment variables: what `mayfly configure --env` set. */
export type Env = Readonly<Record<string, string>>;

/** The default export of a function. The same shape runs on Deno, Bun and Workers. */
export interface Handler {
  fetch(request: Request, env: Env): Response | Promise<Response>;
}
