/** Bodies of routes that take JSON: read here, bounded, before anything parses them. */
import { createMiddleware } from 'hono/factory';
import { MayflyError } from '../errors.ts';

/**
 * Reads the body and leaves it where Hono's parser looks for it first. Hono's own `bodyLimit` makes a new
 * Request of the old one, which fails for the light Requests of @hono/node-server.
 *
 * Throws MayflyError request_too_large, as soon as it is known, or caller_gone.
 */
export function boundedJsonBody(maxBytes: number) {
  return createMiddleware(async (c, next) => {
    // Node's parser has refused a content-length that is no number.
    if (Number(c.req.header('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
    const text = await readText(c.req.raw.body, maxBytes);
    // The cache holds promises, whatever its type says.
    c.req.bodyCache.text = Promise.resolve(text) as never;
    await next();
  });
}

async function readText(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<string> {
  if (!body) return '';
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    // A body is kept open when reading it ends early: the answer goes out on its connection.
    for await (const chunk of body.values({ preventCancel: true })) {
      bytes += chunk.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof MayflyError) throw cause;
    throw new MayflyError('caller_gone', 'The body broke off.', { cause });
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

function tooLarge(maxBytes: number): MayflyError {
  return new MayflyError('request_too_large', `A JSON body may have up to ${maxBytes} bytes.`, {
    field: 'body',
  });
}
