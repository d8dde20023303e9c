/** `mayfly:http/messages` over jco's own classes, or refusing everything, as a host may. */

interface Fields {
  copyAll(): [string, Uint8Array][];
}
interface Request {
  getMethod(): { readonly tag: string; readonly val?: string };
  getScheme(): { readonly tag: string } | undefined;
  getAuthority(): string | undefined;
  getPathWithQuery(): string | undefined;
  getHeaders(): Fields;
}

type Respond = (status: number, fields: [string, Uint8Array][], body: Uint8Array | undefined) => unknown;

export function wireMessages(respond: Respond): Record<string, unknown> {
  const fieldsOf = (text: string, body: Uint8Array | undefined): [string, Uint8Array][] => {
    const lines = text.split('\n');
    const fields: [string, Uint8Array][] = [];
    for (let at = 0; at + 1 < lines.length; at += 2)
      fields.push([lines[at]!, Buffer.from(lines[at + 1]!, 'latin1')]);
    const isComplete = body === undefined || fields.some(([name]) => name.toLowerCase() === 'content-length');
    if (!isComplete) fields.push(['content-length', Buffer.from(String(body.length))]);
    return fields;
  };
  const bytesResponse = (status: number, fields: string, body: Uint8Array | undefined): unknown =>
    respond(status, fieldsOf(fields, body), body);
  return {
    bytesResponse,
    textResponse: (status: number, fields: string, body: string) =>
      bytesResponse(status, fields, Buffer.from(body)),
    requestLine: (request: Request) => {
      const { tag, val } = request.getMethod();
      const scheme = request.getScheme()?.tag.toLowerCase() ?? 'http';
      const target = `${request.getAuthority() ?? 'localhost'}${request.getPathWithQuery() ?? '/'}`;
      return `${val ?? tag.toUpperCase()} ${scheme}://${target}`;
    },
    requestFields: (request: Request) =>
      request
        .getHeaders()
        .copyAll()
        .map(([name, value]) => `${name.toLowerCase()}\n${Buffer.from(value).toString('latin1')}\n`)
        .join(''),
  };
}

/** A guest then answers by `wasi:http/types`. */
export const NO_RESPONSES = { bytesResponse: () => undefined, textResponse: () => undefined };
