const HEAD_END = '\r\n\r\n';

/**
 * Where a response of HTTP/1.1 ends, for a client that knows the answer: a length when it is all there, undefined while
 * it is not, and what is wrong with it if it is another one.
 */
export function responseEnd(bytes: Buffer, expectedBody: string): number | undefined | string {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const start = headEnd + HEAD_END.length;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const body = length === undefined ? dechunked(bytes, start) : fixed(bytes, start, start + Number(length));
  if (body === undefined) return undefined;
  if (!head.startsWith('HTTP/1.1 200')) return `answered ${head.slice(9, 12)} ${body.text.slice(0, 300)}`;
  if (body.text !== expectedBody) return `answered something else: ${body.text.slice(0, 300)}`;
  return body.end;
}

interface Body {
  readonly text: string;
  readonly end: number;
}

function fixed(bytes: Buffer, start: number, end: number): Body | undefined {
  return bytes.length < end ? undefined : { text: bytes.toString('latin1', start, end), end };
}

/** RFC 9112, section 7.1: chunks, a last one of no length, trailer fields, an empty line. */
function dechunked(bytes: Buffer, start: number): Body | undefined {
  let text = '';
  for (let at = start; ; ) {
    const sizeEnd = bytes.indexOf('\r\n', at);
    if (sizeEnd < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, sizeEnd), 16);
    if (Number.isNaN(size)) throw new Error('the body of an answer is neither counted nor chunked');
    if (size === 0) {
      // No trailers: the empty line follows at once.
      if (bytes.indexOf('\r\n', sizeEnd + 2) === sizeEnd + 2) return { text, end: sizeEnd + 4 };
      const end = bytes.indexOf(HEAD_END, sizeEnd);
      return end < 0 ? undefined : { text, end: end + HEAD_END.length };
    }
    at = sizeEnd + 2;
    if (bytes.length < at + size + 2) return undefined;
    text += bytes.toString('latin1', at, at + size);
    at += size + 2;
  }
}
