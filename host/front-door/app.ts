import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import { MayflyError } from '../errors.ts';
import { asFunctionName, asTenantName } from '../model/ids.ts';
import { sendProblem } from './exchange.ts';
import type { Invoker, UrlPolicy } from './invoker.ts';

/**
 * Function URLs: `/fn/{tenant}/{name}/*`, any method. The function sees the path below its own name, byte for
 * byte as the caller sent it; so it is cut out of the raw target, not out of a normalised URL.
 */
const TARGET = /^(?:https?:\/\/[^/]*)?\/fn\/([^/?#]*)\/([^/?#]*)(\/[^?#]*)?(\?[^#]*)?/;

/** The policy says what else. */
const NOTHING_HIDDEN: ReadonlySet<string> = new Set();

export function createFrontDoor(invoker: Invoker, url: UrlPolicy): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all('/fn/*', async (context) => {
    const { incoming, outgoing } = context.env;
    const [, tenantText = '', nameText = '', path = '/', query = ''] = TARGET.exec(incoming.url ?? '') ?? [];
    const tenant = asTenantName(tenantText);
    const name = asFunctionName(nameText);
    if (tenant === undefined || name === undefined) {
      sendProblem(
        incoming,
        outgoing,
        new MayflyError('route_not_found', 'Functions answer under /fn/{tenant}/{name}/.'),
        [],
      );
      return RESPONSE_ALREADY_SENT;
    }
    await invoker.call(
      {
        tenant,
        name,
        trigger: 'http',
        method: incoming.method ?? 'GET',
        pathWithQuery: path + query,
        scriptName: `/fn/${tenant}/${name}`,
        hidden: NOTHING_HIDDEN,
        url,
      },
      incoming,
      outgoing,
    );
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}
