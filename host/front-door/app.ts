import type { HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { Hono } from 'hono';
import type { FunctionUrls } from './function-urls.ts';

/** Function URLs. What calls them plainly does not come here: see `isPlainFunctionCall`. */
export function createFrontDoor(urls: FunctionUrls): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>();
  app.all('/fn/*', async ({ env: { incoming, outgoing } }) => {
    await urls.serve(incoming, outgoing);
    return RESPONSE_ALREADY_SENT;
  });
  return app;
}
