/** Bodies that are read whole: bounded while they come, before anything parses them. */
import { MayflyError } from '../errors/errors.ts';

/**
 * @param tooLarge what is thrown as soon as it is known that the body is longer than `maxBytes`
 * @throws MayflyError caller_gone
 */
export async function readBounded(
  request: Request,
  maxBytes: number,
  tooLarge: (maxBytes: number) => MayflyError,
): Promise<Uint8Array> {
  // Node's parser has refused a content-length that is no number.
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const { body } = request;
  if (!body) return new Uint8Array();
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
  // Of its own size: what crosses to the main thread takes the whole buffer along that it is a view of.
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}
