/** Bodies of routes that take JSON: read here, bounded, before anything parses them. */
import { createMiddleware } from 'hono/factory';
import { MayflyError } from '../errors/errors.ts';
import { readBounded } from './bounded-body.ts';

/**
 * Reads the body and leaves it where Hono's parser looks for it first. Hono's own `bodyLimit` makes a new
 * Request of the old one, which fails for the light Requests of @hono/node-server.
 *
 * Throws MayflyError request_too_large, as soon as it is known, or caller_gone.
 */
export function boundedJsonBody(maxBytes: number) {
  return createMiddleware(async (c, next) => {
    const text = new TextDecoder().decode(await readBounded(c.req.raw, maxBytes, tooLarge));
    // The cache holds promises, whatever its type says.
    c.req.bodyCache.text = Promise.resolve(text) as never;
    await next();
  });
}

function tooLarge(maxBytes: number): MayflyError {
  return new MayflyError('request_too_large', `A JSON body may have up to ${maxBytes} bytes.`, {
    field: 'body',
  });
}
